import { expect, test, vi } from 'vitest';

import { Proposed } from './beside';
import type { ITranscript } from './document';
import type { IHost } from './host';
import type { IContext } from './piece';

function contextOf(fields: Partial<ITranscript>, host: IHost = {}): IContext {
  const document: ITranscript = {
    version: 1,
    id: 't',
    seq: 0,
    model: 'm',
    state: 'done',
    seconds: 1,
    blocks: [],
    ...fields
  };
  return {
    document,
    host,
    live: false,
    elapsed: 1,
    now: 0,
    newest: 0,
    decided: new Map()
  };
}

const PROPOSAL = {
  note: 'against In[3]; not run',
  code: 'a = 1\nb = n\nc',
  lines: [
    { sign: ' ', text: 'a = 1' },
    { sign: '-', text: 'b = count' },
    { sign: '+', text: 'b = n' },
    { sign: '+', text: '<b>\u202e</b>' }
  ]
} as const;

test('a proposed cell is a difference, with hidden characters spelled out', () => {
  const piece = new Proposed();
  piece.update(
    contextOf({ proposal: { ...PROPOSAL, lines: [...PROPOSAL.lines] } })
  );
  const lines = [...piece.node.querySelectorAll('.llm-diff-line')];
  expect(lines.map(line => line.textContent)).toEqual([
    'a = 1',
    '−b = count',
    '+b = n',
    '+<b>\\u{202e}</b>'
  ]);
  expect(piece.node.querySelector('button')).toBeNull();
});

test('a click puts the proposed cell below, and nothing else does', () => {
  const insertBelow = vi.fn();
  const piece = new Proposed();
  const proposal = { ...PROPOSAL, lines: PROPOSAL.lines.slice(0, 3) };
  piece.update(contextOf({ proposal }, { insertBelow }));
  expect(insertBelow).not.toHaveBeenCalled();
  expect(piece.node.querySelector('del')?.textContent).toBe('count');
  expect(piece.node.querySelector('ins')?.textContent).toBe('n');
  piece.node.querySelector('button')?.click();
  expect(insertBelow).toHaveBeenCalledExactlyOnceWith(proposal.code);
});
