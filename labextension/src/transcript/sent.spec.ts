import { expect, test } from 'vitest';

import type { ISent } from './document';
import type { IContext } from './piece';
import { Sent } from './sent';

const SENT: ISent = {
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
  const piece = new Sent();
  piece.update({ document: { sent } } as unknown as IContext);
  return piece.node;
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
