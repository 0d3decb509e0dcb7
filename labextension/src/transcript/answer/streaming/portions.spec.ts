// @vitest-environment node

import { expect, test } from 'vitest';

import { portionEnd } from './portions';

function portions(source: string): string[] {
  const found: string[] = [];
  for (let at = 0; at < source.length;) {
    const end = portionEnd(source, at);
    expect(end).toBeGreaterThan(at);
    found.push(source.slice(at, end));
    at = end;
  }
  return found;
}

const signs = (text: string): number =>
  text.match(/[|*_~`$[<\\]/g)?.length ?? 0;

test.each([
  ['prose', 'The price of an order fell. '.repeat(3000)],
  ['rows', `${'| a '.repeat(40)}|\n`.repeat(400)],
  ['formulas', '$x$ '.repeat(15_000)],
  ['stars', '*'.repeat(20_000)],
  ['a long line of stars and words', '*a* '.repeat(15_000)],
  ['birds', '🐦'.repeat(30_000)],
  ['birds and stars', '🐦*'.repeat(10_000)],
  ['Thai', 'ก็ไม่ได้'.repeat(4000)],
  ['lines', 'a\n'.repeat(3000)]
])('portions are bounded and together the text: %s', (_, source) => {
  const found = portions(source);
  expect(found.join('')).toBe(source);
  for (const portion of found) {
    expect(portion.length).toBeLessThanOrEqual(16_384);
    expect(signs(portion)).toBeLessThanOrEqual(1000);
    expect(portion.match(/[\u0e00-\u0eff]/g)?.length ?? 0).toBeLessThanOrEqual(
      2000
    );
    expect(portion).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/);
  }
});

test('a portion ends after a row or a word', () => {
  for (const source of [`${'| a '.repeat(40)}|\n`, '*a* ']) {
    const [first] = portions(source.repeat(3000));
    expect(first.slice(-source.length)).toBe(source);
  }
});
