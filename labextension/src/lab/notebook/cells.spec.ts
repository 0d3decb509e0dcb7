import type { ICellModel } from '@jupyterlab/cells';
import { expect, test } from 'vitest';

import { MIME_TYPE } from '../../transcript';
import { asksForCells, asksModel, collectCells } from './cells';

interface IGiven {
  id: string;
  source: string;
  type?: string;
  tags?: unknown;
  outputs?: unknown[];
}

/** The part of a cell's model that is read. */
function cell({ id, source, type = 'code', ...rest }: IGiven): ICellModel {
  return {
    id,
    type,
    executionCount: 3,
    sharedModel: { getSource: () => source },
    getMetadata: () => rest.tags,
    outputs: { toJSON: () => rest.outputs ?? [] }
  } as unknown as ICellModel;
}

const data = (bundle: object): object => ({
  output_type: 'display_data',
  data: bundle
});

test('all cells are sent in order, whatever they hold', () => {
  const outputs = [
    { output_type: 'stream', text: ['a', 'b'] },
    { output_type: 'error', ename: 'KeyError', evalue: "'x'", traceback: [] },
    data({ 'text/html': '<b>', 'text/plain': ['df'] }),
    data({ 'image/png': 'aWs=\n', 'text/plain': '<Figure>' }),
    data({ [MIME_TYPE]: { id: 'turn' }, 'text/plain': 'x' }),
    data({ 'application/vnd.jupyter.widget-view+json': {}, 'text/plain': 'w' }),
    data({ 'video/mp4': 'x' }),
    {}
  ];
  const told = collectCells(
    [
      cell({ id: 'a', source: 'one', tags: ['llm-hide', 3], outputs }),
      cell({ id: 'm', source: '# Title', type: 'markdown', tags: 'none' }),
      cell({ id: 'b', source: 'ask', outputs })
    ],
    'b'
  );
  expect(
    told.map(({ id, type, source, number, tags }) => [
      id,
      type,
      source,
      number,
      tags
    ])
  ).toEqual([
    ['a', 'code', 'one', 3, ['llm-hide']],
    ['m', 'markdown', '# Title', null, []],
    ['b', 'code', 'ask', 3, []]
  ]);
  expect(told[0].outputs).toEqual([
    { data: { 'text/plain': 'ab' } },
    { error: "KeyError: 'x'" },
    { data: { 'text/plain': 'df' } },
    { data: { 'image/png': 'aWs=' } },
    { transcript: 'turn' },
    { other: 'application/vnd.jupyter.widget-view+json' },
    { other: 'video/mp4' },
    { other: 'an output' }
  ]);
  expect(told[2].outputs).toEqual([]);
});

test('a text that is cut says how long it is, and stays hidden by a line that is cut off', () => {
  const long = 'x = 1\n'.repeat(20_000);
  const [cut, hidden, whole] = collectCells(
    [
      cell({ id: 'a', source: long }),
      cell({ id: 'b', source: `${long}# llm: hide`, tags: ['one'] }),
      cell({ id: 'c', source: 'x = 1' })
    ],
    'd'
  );
  expect([cut.source.length, cut.length, cut.tags]).toEqual([
    100_000,
    120_000,
    []
  ]);
  expect(hidden.tags).toEqual(['one', 'llm-hide']);
  expect('length' in whole).toBe(false);
});

test('a message is never too long for a server, and the nearest cells are sent', () => {
  const outputs = [{ output_type: 'stream', text: 'x'.repeat(200_000) }];
  const cells = Array.from({ length: 100 }, (_, index) =>
    cell({ id: `${index}`, source: 'print()', outputs })
  );
  const told = collectCells(cells, '99');
  expect(JSON.stringify(told).length).toBeLessThan(3_100_000);
  expect(told[98].outputs[0].data!['text/plain']).toHaveLength(100_000);
  expect(told[98].outputs[0].length).toBe(200_000);
  expect(told[0].source).toBe('print()');
  expect(told[0].outputs).toEqual([
    { data: { 'text/plain': '' }, length: 200_000 }
  ]);
  const figure = [data({ 'image/png': 'x'.repeat(3_000_001) })];
  expect(
    collectCells([cell({ id: 'f', source: 'plot', outputs: figure })], '')[0]
      .outputs
  ).toEqual([{ other: 'a figure that is too large' }]);
});

test.each([
  ['%%llm --context above\nWhy?', true, true],
  ['x = %llm --context 3 Why?', true, true],
  ['for x in y:\n    %llm --context all {{ x }}', true, true],
  ['%%llm\nWhy?', false, true],
  ['print("--context")', false, false]
])('%j is seen to ask', (code, cells, model) => {
  expect([asksForCells(code), asksModel(code)]).toEqual([cells, model]);
});
