// @vitest-environment node

import { expect, test } from 'vitest';

import { headOf, lineMagicIn, readFirstLine } from './firstLine';

/** The coloured words of a line, each with its kind. */
const words = (line: string): string[] =>
  readFirstLine(line).tokens.map(
    ({ from, to, kind }) => `${kind} ${line.slice(from, to)}`
  );

/** What is left for the prompt. */
const prompt = (line: string): string => line.slice(readFirstLine(line).end);

test.each([
  ['%%llm', 0, 5],
  ['%%llm -m x\nHi', 0, 10],
  ['\n  \n  %%llm\nHi', 6, 11],
  ['%%llm -m x \\\n  -u\nHi', 0, 17],
  ['%%llm -m x \\ \n-u', 0, 16],
  ['%%llm \\\\\nHi', 0, 8]
])('%j is a prompt', (source, from, to) => {
  expect(headOf(source)).toEqual({ from, to });
});

test.each(['', 'print()', '# note\n%%llm', '%%llms', '%llm hi', 'x\n%%llm'])(
  '%j is no prompt',
  source => {
    expect(headOf(source)).toBeNull();
  }
);

test('options, values, names and strings are told apart', () => {
  expect(words('%%llm -m gpt-5 -T df --system "name, age" -c')).toEqual([
    'magic %%llm',
    'option -m',
    'value gpt-5',
    'option -T',
    'variable df',
    'option --system',
    'string "name, age"',
    'option -c'
  ]);
});

test('an option may take two values, or one behind an equals sign', () => {
  expect(words('%%llm -o temperature 0 --model=x')).toEqual([
    'magic %%llm',
    'option -o',
    'value temperature',
    'value 0',
    'option --model',
    'value x'
  ]);
});

test('short options may be joined, and followed directly by a value', () => {
  expect(words('%%llm -cu -mgpt-5 -cT df hi')).toEqual([
    'magic %%llm',
    'option -cu',
    'option -m',
    'value gpt-5',
    'option -cT',
    'variable df'
  ]);
});

test('typographic dashes and quotes mean the plain ones', () => {
  expect(words('%%llm —ta —system “be brief”')).toEqual([
    'magic %%llm',
    'option —ta',
    'option —system',
    'string “be brief”'
  ]);
});

test('what follows the options is the prompt', () => {
  expect(prompt('%llm -m x What is tar -x?')).toBe(' What is tar -x?');
  expect(prompt('%llm -c -- -m is an option')).toBe(' -- -m is an option');
  expect(prompt('%llm "unclosed')).toBe(' "unclosed');
});

test('--raw keeps double braces', () => {
  expect(readFirstLine('%%llm --raw').isRaw).toBe(true);
  expect(readFirstLine('%%llm -s --raw').isRaw).toBe(false);
});

test.each([
  ['%llm hi', 0],
  ['  %llm hi', 2],
  ['answer = %llm hi', 9],
  ['x %llm 3', -1],
  ['%llms', -1],
  ["'%llm'", -1]
])('the magic of %j', (line, offset) => {
  expect(lineMagicIn(line)).toBe(offset);
});

test('a long line without a magic is looked through in linear time', () => {
  for (const unit of [' ', 'a ', 'a = ', '(', '\t']) {
    expect(lineMagicIn(unit.repeat(100_000))).toBe(-1);
  }
});

test('a long line of dashes, quotes or backslashes is read in linear time', () => {
  for (const unit of ['-a ', '"', '\\', '-', '“', '\\\n', ' ']) {
    const line = '%%llm ' + unit.repeat(100_000);
    expect(readFirstLine(line).end).toBeLessThanOrEqual(line.length);
    expect(headOf(line)?.from).toBe(0);
  }
});

test.each([
  ['%%llm --schem', []],
  ['%%llm --schem x', ['--schem']],
  ['%%llm --schemx', ['--schemx']],
  ['%%llm -', []],
  ['%%llm -z', ['-z']],
  ['%%llm -cz -m x', ['-cz']],
  ['%%llm -schema x', []],
  ['%%llm -cu -mgpt-5 -T f', []],
  ['%%llm –model x', []],
  ['%%llm --xyz=3 -u hi', ['--xyz=3']],
  ['%%llm hi --nothing', []],
  ['%%llm -- --nothing', []],
  ['%llm models --nothing', []]
])('in %j these options are wrong: %j', (line, wrong) => {
  const found = readFirstLine(line).tokens.filter(
    ({ kind }) => kind === 'wrong'
  );
  expect(found.map(({ from, to }) => line.slice(from, to))).toEqual(
    wrong.map(word => word.split('=')[0])
  );
});
