import { expect, test } from 'vitest';

import { randomly } from '../testing/random';
import { compare, difference } from './difference';

function marked(before: string, after: string): [string, string] {
  const show = (part: { text: string; changed: boolean }): string =>
    part.changed ? `[${part.text}]` : part.text;
  const [was, now] = compare(before, after);
  return [was.map(show).join(''), now.map(show).join('')];
}

test.each([
  [
    'ana@example.com',
    'ana.ruiz@example.com',
    'ana@example.com',
    'ana[.ruiz]@example.com'
  ],
  ['abc', 'abc', 'abc', 'abc'],
  ['', 'new', '', '[new]'],
  ['old', '', '[old]', ''],
  ['at 100 km', 'at 150 km', 'at [100] km', 'at [150] km'],
  ['😀', '😁', '[😀]', '[😁]']
])('%j to %j marks what differs', (before, after, was, now) => {
  expect(marked(before, after)).toEqual([was, now]);
});

test('a change far into a long text is found, and shown with what stands around it', () => {
  const before = 'a'.repeat(500_000) + ' keep ' + 'b'.repeat(500_000);
  const after = before.replace(' keep ', ' DROP ');
  const lines = difference(before, after);
  expect(lines[0].querySelector('del')?.textContent).toBe('keep');
  expect(lines[1].querySelector('ins')?.textContent).toBe('DROP');
  expect(lines[1].textContent!.length).toBeLessThan(1000);
});

test('a very long change is shown with both of its ends and the length between them', () => {
  const [, now] = difference('', 'x'.repeat(1_000_000));
  expect(now.textContent).toContain('992,000 characters');
  expect(now.textContent!.length).toBeLessThan(10_000);
});

test('a missing text differs from an empty one', () => {
  const texts = (before: string | null, after: string | null): string[] =>
    difference(before, after).map(line => line.textContent ?? '');
  expect(texts('', null)).toEqual(['−empty', '+not given']);
  expect(texts(null, 'a')).toEqual(['−not given', '+a']);
});

test('a line break that is all that changed is drawn', () => {
  const [, now] = difference('ab', 'a\nb');
  expect(now.querySelector('ins')?.textContent).toBe('\\n\n');
});

test('a letter and its marks are marked together', () => {
  expect(marked('caf', 'cafe\u0301')).toEqual(['caf', 'caf[e\u0301]']);
  expect(marked('cafe', 'cafe\u0301')).toEqual(['caf[e]', 'caf[e\u0301]']);
});

test('hidden characters in a difference are written out', () => {
  const [was] = difference('a\u202eb', 'ab');
  expect(was.querySelector('del')?.textContent).toBe('\\u{202e}');
});

test('the parts put together are the texts, and no character is cut in two', () => {
  const signs = ['a', 'b', '1', '.', ' ', '😀', '😁', '\u202e'];
  randomly(500, random => {
    const word = () =>
      Array.from({ length: random(8) }, () => signs[random(signs.length)]).join(
        ''
      );
    const [head, tail] = [word(), word()];
    const texts = [head + word() + tail, head + word() + tail];
    compare(texts[0], texts[1]).forEach((parts, at) => {
      expect(parts.map(part => part.text).join('')).toBe(texts[at]);
      parts.forEach(part =>
        expect(part.text).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/)
      );
    });
  });
});
