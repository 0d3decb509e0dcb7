import { expect, test, vi } from 'vitest';

import { ProposalPiece } from './proposal';
import type { ITranscript } from '../protocol/document';
import type { IHost, IReplaceable } from '../drawing/host';
import type { IContext } from '../drawing/piece';

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
  const piece = new ProposalPiece();
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
  expect(
    lines.map(line => [
      line.getAttribute('data-was'),
      line.getAttribute('data-is')
    ])
  ).toEqual([
    ['1', '1'],
    ['2', null],
    [null, '2'],
    [null, '3']
  ]);
  expect(
    piece.node.querySelector('[role=group]')?.getAttribute('aria-label')
  ).toBe('Difference: 1 line removed, 2 lines added');
  expect(piece.node.querySelector('button')).toBeNull();
});

/** A proposal in a notebook whose cell has this text. */
function proposedFor(source: string): {
  press: (label: string) => void;
  said: () => string;
  cell: { source: string };
  insertBelow: ReturnType<typeof vi.fn>;
} {
  const insertBelow = vi.fn();
  const cell = { source };
  const cellWith = (text: string): IReplaceable | null => {
    const before = cell.source;
    return text === before
      ? {
          replace: after => void (cell.source = after),
          undo: () => Boolean((cell.source = before))
        }
      : null;
  };
  const piece = new ProposalPiece();
  const proposal = { ...PROPOSAL, lines: PROPOSAL.lines.slice(0, 3) };
  piece.update(contextOf({ proposal }, { insertBelow, cellWith }));
  expect(piece.node.querySelector('del')?.textContent).toBe('count');
  expect(piece.node.querySelector('ins')?.textContent).toBe('n');
  const find = (label: string): HTMLButtonElement | undefined =>
    [...piece.node.querySelectorAll('button')].find(
      button => button.textContent === label
    );
  return {
    press: label => find(label)!.click(),
    said: () => piece.node.querySelector('.llm-actions')?.textContent ?? '',
    cell,
    insertBelow
  };
}

test('a click puts the proposed cell below, and nothing else does', () => {
  const { press, insertBelow } = proposedFor('another');
  expect(insertBelow).not.toHaveBeenCalled();
  press('Put below');
  expect(insertBelow).toHaveBeenCalledExactlyOnceWith(PROPOSAL.code);
});

test('a proposal that is dismissed changes nothing, and comes back', () => {
  const { press, said, cell, insertBelow } = proposedFor('a = 1\nb = count');
  press('Dismiss');
  expect(said()).toBe('');
  press('Show it again');
  expect(said()).toBe('ReplacePut belowDismiss');
  expect(cell.source).toBe('a = 1\nb = count');
  expect(insertBelow).not.toHaveBeenCalled();
});

test('a click replaces the cell that was compared, and another one undoes that', () => {
  const { press, said, cell } = proposedFor('a = 1\nb = count');
  expect(said()).toBe('ReplacePut belowDismiss');
  press('Replace');
  expect(cell.source).toBe(PROPOSAL.code);
  expect(said()).toBe(' Replaced. Not run. Undo');
  press('Undo');
  expect(cell.source).toBe('a = 1\nb = count');
  expect(said()).toBe('ReplacePut belowDismiss');
});

test('a cell that was changed is not replaced', () => {
  expect(proposedFor('a = 1').said()).toBe('Put belowDismiss');
  const { press, said, cell } = proposedFor('a = 1\nb = count');
  cell.source += ' # mine';
  press('Replace');
  expect(cell.source).toBe('a = 1\nb = count # mine');
  expect(said()).toContain('The cell has changed since');
});
