import { expect, test } from 'vitest';

import type { Op } from './document';
import { reduce } from './reducer';
import { call, text, transcript } from '../testing/samples';

const before = transcript([text('a'), call('f', {}, { arguments: '{"x' })]);

const step = (seq: number, ...ops: Op[]) =>
  reduce(before, { type: 'delta', id: before.id, seq, ops });

test('text grows, and so do the arguments of a call', () => {
  const { result, document } = step(
    1,
    { op: 'append', block: 0, text: 'b' },
    { op: 'append', block: 1, text: '": 1}' }
  );
  expect(result).toBe('applied');
  expect(document.seq).toBe(1);
  expect(document.blocks).toMatchObject([
    { text: 'ab' },
    { arguments: '{"x": 1}' }
  ]);
});

test('a block is added or replaced, and fields of the whole are set', () => {
  const { document } = step(
    1,
    { op: 'block', block: 0, value: text('new') },
    { op: 'block', block: 2, value: text('next') },
    { op: 'set', fields: { state: 'done', id: 'another', seconds: 3 } }
  );
  expect(document.blocks).toHaveLength(3);
  expect(document).toMatchObject({ state: 'done', id: before.id, seconds: 3 });
});

test('what was passed in stays as it was', () => {
  const copy = JSON.stringify(before);
  step(
    1,
    { op: 'append', block: 0, text: 'b' },
    { op: 'set', fields: { blocks: [] } },
    { op: 'block', block: 0, value: text('c') }
  );
  expect(JSON.stringify(before)).toBe(copy);
});

test.each([
  ['old', 0, 'append', 0],
  ['gap', 2, 'append', 0],
  ['gap', 1, 'append', 2],
  ['gap', 1, 'block', 3],
  ['gap', 1, 'block', -1]
] as const)(
  'a delta is %s: number %i, %s of block %i',
  (result, seq, op, block) => {
    const change: Op =
      op === 'append'
        ? { op, block, text: 'x' }
        : { op, block, value: text('x') };
    expect(step(seq, change)).toEqual({ result, document: before });
  }
);

test('a delta of another transcript changes nothing', () => {
  const delta = { type: 'delta' as const, id: 'other', seq: 1, ops: [] };
  expect(reduce(before, delta).result).toBe('old');
});
