import { expect, test } from 'vitest';

import type { ISent } from '../protocol/document';
import type { IContext } from '../drawing/piece';
import { SentSummary } from './sent';

const SENT: ISent = {
  group: 'sent',
  line: 'sent: df, <b>fig</b>; about 640 tokens',
  rows: [
    {
      name: 'df',
      text: 'pandas DataFrame, 1,204 rows',
      tokens: 1640,
      leftOut: ['1,154 of 1,204 rows']
    },
    { name: '<b>fig</b>', text: 'a figure', tokens: 0, leftOut: [] }
  ]
};

function drawn(sent: ISent): HTMLElement {
  const piece = new SentSummary();
  piece.update({ document: { sent: [sent] } } as unknown as IContext);
  return piece.node.querySelector('details')!;
}

test('what was sent is one line, and unfolded a table with what was left out', () => {
  const node = drawn(SENT) as HTMLDetailsElement;
  expect(node.querySelector('.llm-line')!.textContent).toBe(SENT.line);
  expect(node.querySelector('table')).toBeNull();
  node.open = true;
  node.dispatchEvent(new Event('toggle'));
  const rows = [...node.querySelectorAll('tbody tr')].map(row =>
    [...row.children].map(cell => cell.textContent)
  );
  expect(rows).toEqual([
    ['df', 'pandas DataFrame, 1,204 rows', '1,640'],
    ['<b>fig</b>', 'a figure', ''],
    ['Left out'],
    ['df', '1,154 of 1,204 rows']
  ]);
  expect(node.querySelector('b')).toBeNull();
});

test('each kind of it has a line, which stays as a reader has left it', () => {
  const piece = new SentSummary();
  const context: ISent = {
    group: 'context',
    line: 'context: 1 cell, 24 tokens; 1 left out',
    rows: [
      { name: '[1]', text: 'import pandas', tokens: 24, leftOut: [] },
      { name: '[2]', text: '', tokens: 0, leftOut: ['marked # llm: hide'] }
    ]
  };
  const removed: ISent = {
    group: 'removed',
    line: '[removed] 1 secret',
    rows: [{ name: '[1]', text: 'a private key', tokens: 0, leftOut: [] }]
  };
  const show = (sent: ISent[]): void =>
    piece.update({ document: { sent } } as unknown as IContext);
  show([context]);
  const [first] = piece.node.querySelectorAll('details');
  first.open = true;
  first.dispatchEvent(new Event('toggle'));
  show([context, removed]);
  const lines = [...piece.node.querySelectorAll('details')];
  expect(lines).toHaveLength(2);
  expect(lines[0]).toBe(first);
  expect([...first.querySelectorAll('tbody tr')].map(textOf)).toEqual([
    '[1]import pandas24',
    'Left out',
    '[2]marked # llm: hide'
  ]);
});

function textOf(node: Element): string {
  return node.textContent ?? '';
}
