// @vitest-environment node

import { expect, test } from 'vitest';

import { clock, count, duration, oneLine, wholeSeconds } from './formatting';

test.each([
  [0, '0.0 s'],
  [0.04, '0.0 s'],
  [0.9, '0.9 s'],
  [18.43, '18.4 s'],
  [19.97, '20 s'],
  [41.2, '41 s'],
  [185, '3 min 5 s'],
  [7260, '2 h 1 min']
])('%d seconds are %s', (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});

test('a running time is given in whole seconds, and is never negative', () => {
  expect([wholeSeconds(3.4), wholeSeconds(-1)]).toEqual(['3 s', '0 s']);
});

test('a time of another day comes with its date, and a broken one with nothing', () => {
  const now = new Date(2025, 9, 6, 13, 0).getTime();
  expect(clock(new Date(2025, 9, 6, 9, 3).toISOString(), now)).toBe('09:03');
  expect(clock(new Date(2025, 9, 5, 23, 59).toISOString(), now)).toBe(
    '2025-10-05 23:59'
  );
  expect(clock('yesterday', now)).toBe('');
});

test('numbers have their thousands apart', () => {
  expect([count(5140), count(12), count(10_200_103)]).toEqual([
    '5,140',
    '12',
    '10,200,103'
  ]);
});

test('a line is cut at its length', () => {
  expect(oneLine(' a\n b ', 10)).toBe('a b');
  expect(oneLine('abcdefghij', 5)).toBe('abcd…');
  expect(oneLine(' '.repeat(100) + 'x', 5)).toBe('…');
});
