// @vitest-environment node

import { expect, test } from 'vitest';

import { randomly } from '../../testing/random';
import type { Random } from '../../testing/random';
import { compact, isSame, membersOf } from './json';

test('JSON texts keep every digit of a number', () => {
  const text = '{"a": 12345678901234567891, "b": [1.0, 2.50]}';
  expect(compact(text)).toBe('{"a":12345678901234567891,"b":[1.0,2.50]}');
  expect(isSame('12345678901234567890', '12345678901234567891')).toBe(false);
});

test('JSON texts are the same where only white space and the way of writing a string differ', () => {
  expect(isSame('{ "a" : "\\u00e9" }', '{"a":"é"}')).toBe(true);
  expect(isSame('"a b"', '"ab"')).toBe(false);
});

test('JSON texts are cut into members', () => {
  const text = ' {"a,\\"b": {"c": [1, 2]}, "d":  1.0 ,\n"e": "x, {y"} ';
  expect([...membersOf(text)!]).toEqual([
    ['a,"b', '{"c": [1, 2]}'],
    ['d', '1.0'],
    ['e', '"x, {y"']
  ]);
  expect([...membersOf('{}')!]).toEqual([]);
});

test.each(['', '{', '[1]', 'null', '1', '"a"', '{"a": 1,}'])(
  'JSON texts that are no object have no members: %s',
  text => {
    expect(membersOf(text)).toBeNull();
  }
);

test('JSON texts have the members that parsing them gives', () => {
  randomly(300, random => {
    const value = Object.fromEntries(
      Array.from({ length: random(5) }, () => [word(random), any(random, 3)])
    );
    const found = membersOf(JSON.stringify(value, null, random(3)))!;
    const parsed = [...found].map(([name, text]) => [name, JSON.parse(text)]);
    expect(Object.fromEntries(parsed)).toEqual(value);
  });
});

function word(random: Random): string {
  const signs = ['a', '"', '\\', ',', ':', '{', ']', ' ', '\n', 'é', '\u202e'];
  return Array.from(
    { length: random(6) },
    () => signs[random(signs.length)]
  ).join('');
}

function any(random: Random, depth: number): unknown {
  switch (random(depth > 0 ? 6 : 4)) {
    case 0:
      return word(random);
    case 1:
      return random(1000) / 8;
    case 2:
      return random(2) === 0;
    case 3:
      return null;
    case 4:
      return Array.from({ length: random(4) }, () => any(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random(4) }, () => [
          word(random),
          any(random, depth - 1)
        ])
      );
  }
}
