import { expect, test } from 'vitest';

import type { ITableBlock, ITextBlock } from '../protocol/document';
import { readTranscript } from '../protocol/reading';
import { Page } from '../testing/page';
import { text, transcript } from '../testing/samples';

const table = (more: Partial<ITableBlock> = {}): ITableBlock => ({
  kind: 'table',
  columns: [
    { name: 'name', dtype: 'string', number: false },
    { name: 'age', dtype: 'Int64', number: true }
  ],
  head: [
    ['Ada', '36'],
    ['Hypatia', null]
  ],
  tail: [],
  count: 2,
  ...more
});

const live = (block: ITableBlock) =>
  transcript([block], { state: 'streaming' });

const cells = (page: Page): string[] =>
  Array.from(page.node.querySelectorAll('.llm-frame tbody tr')).map(row =>
    Array.from(row.children)
      .map(cell => cell.textContent)
      .join('|')
  );

test('rows stand under the names and types of their columns', () => {
  const page = new Page(
    transcript([table({ said: '`people` is a DataFrame.' })])
  );
  expect(page.text('.llm-rows .llm-row')).toBe('people is a DataFrame.');
  expect(page.text('thead')).toBe('rownamestringageInt64');
  expect(cells(page)).toEqual(['0|Ada|36', '1|Hypatia|missing']);
});

test('the rows that are shown can be copied at the foot, for a spreadsheet', () => {
  const copied: string[] = [];
  const page = new Page(live(table()), { copy: text => copied.push(text) });
  expect(page.buttons('Copy rows')).toEqual([]);
  page.view.show(
    transcript([table({ said: 'Done.', head: [['A\tda\n', null]] })]),
    { copy: text => copied.push(text) }
  );
  page.press('Copy rows');
  expect(copied).toEqual(['name\tage\nA da \t']);
});

test('a growing table counts its rows and keeps those that are there', async () => {
  const before = live(table());
  const page = new Page(before);
  const [first] = page.node.querySelectorAll('.llm-frame tbody tr');
  expect(page.text('.llm-rows .llm-row')).toContain('2 rows so far');
  expect(page.node.querySelector('.llm-caret')).not.toBeNull();
  const rows = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => [`n${from + at}`, '1']);
  page.view.apply({
    type: 'delta',
    id: before.id,
    seq: 1,
    ops: [
      { op: 'rows', block: 0, count: 40, head: rows(2, 5), tail: rows(35, 40) }
    ]
  });
  page.view.apply({
    type: 'delta',
    id: before.id,
    seq: 2,
    ops: [{ op: 'rows', block: 0, count: 41, head: [], tail: rows(40, 41) }]
  });
  page.view.show(page.view.document!);
  expect(page.text('.llm-rows .llm-row')).toContain('41 rows so far');
  expect(cells(page).slice(4, 8)).toEqual([
    '4|n4|1',
    '…|…|…',
    '36|n36|1',
    '37|n37|1'
  ]);
  expect(page.node.querySelector('.llm-frame tbody tr')).toBe(first);
});

test('a row that does not fit is marked, and the answer as it came is in a fold', () => {
  const page = new Page(
    transcript(
      [
        table({
          head: [],
          tail: [['Ada', '36']],
          count: 21,
          misfit: { cells: ['Pingala', 'about 60'], column: 1 },
          raw: { text: '{"items": [', hidden: 3 }
        })
      ],
      { state: 'failed' }
    )
  );
  expect(cells(page)).toEqual(['20|Ada|36', '21|Pingala|about 60']);
  expect(page.text('.llm-misfit')).toBe('about 60');
  expect(page.text('.llm-rows summary')).toBe(
    'The answer as it came14 characters'
  );
});

test('what a model writes is text, with hidden characters spelled out', () => {
  const page = new Page(
    transcript([table({ head: [['<img src=x>\u202e', '1']], count: 1 })])
  );
  expect(page.node.querySelector('img')).toBeNull();
  expect(cells(page)).toEqual(['0|<img src=x>\\u{202e}|1']);
});

test('code is drawn as code, and text as it is', () => {
  const code: ITextBlock = {
    kind: 'text',
    text: 'print(1)',
    look: 'code',
    language: 'python'
  };
  const page = new Page(
    transcript([
      { ...code, raw: { text: 'So:\n```python\nprint(1)\n```' } },
      { kind: 'text', text: 'no *marks*', look: 'text' }
    ])
  );
  expect(page.text('.llm-block code')).toBe('print(1)');
  expect(page.text('.llm-as-it-is')).toBe('no *marks*');
  expect(page.text('summary')).toContain('The answer as it came');
});

test.each([
  { columns: [{ name: 1, dtype: '', number: true }] },
  { head: [[{}]] },
  { head: 'x' },
  { count: -0.5 },
  { misfit: { cells: [1], column: 0 } },
  { raw: { text: 1 } }
])('a table of another shape is not read: %j', wrong => {
  const document = transcript([table()]);
  expect(readTranscript(document)).not.toBeNull();
  const [block] = document.blocks;
  const forged = { ...document, blocks: [{ ...block, ...wrong }] };
  expect(readTranscript(forged)).toBeNull();
});

test('rows for what is no table leave a gap', () => {
  const page = new Page(transcript([text('a')]));
  const op = { op: 'rows' as const, block: 0, count: 1, head: [], tail: [] };
  const delta = { type: 'delta' as const, id: 't1', seq: 1, ops: [op] };
  const id = page.view.document!.id;
  expect(page.view.apply({ ...delta, id })).toBe('gap');
});
