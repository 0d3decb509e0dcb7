/**
 * Long code is drawn once, whatever its lines are like. The work is counted, not
 * timed: the characters that are parsed, and those that are written to the page.
 */

import { expect, test, vi } from 'vitest';

import { Markdown } from '../markdown/markdown';
import { Answer } from './answer';

interface IWork {
  parsed: number;
  written: number;
  code: HTMLElement;
}

/** Draws a text that arrives in deltas of this many characters, and counts the work. */
function draw(text: string, delta = text.length): IWork {
  vi.useFakeTimers();
  const markdown = new Markdown();
  const work = { parsed: 0, written: 0 };
  const { parse } = markdown;
  markdown.parse = (source, ...others) => {
    work.parsed += source.length;
    return parse.call(markdown, source, ...others);
  };
  const make = document.createTextNode.bind(document);
  vi.spyOn(document, 'createTextNode').mockImplementation(data => {
    work.written += data.length;
    return make(data);
  });
  const answer = new Answer(markdown, () => ({}));
  for (let at = delta; at < text.length; at += delta) {
    answer.update(text.slice(0, at), true);
    vi.advanceTimersToNextFrame();
  }
  answer.update(text, false);
  vi.runAllTimers();
  vi.restoreAllMocks();
  vi.useRealTimers();
  return { ...work, code: answer.node.querySelector('code')! };
}

const fenced = (code: string, language = ''): string =>
  `\`\`\`${language}\n${code}\n\`\`\``;

const LINES: [string, string][] = [
  ['backslashes', '\\'],
  ['stars', '*'],
  ['words of signs', 'a|b '],
  ['letters', 'a'],
  ['fences inside a line', 'x``````'],
  ['birds and stars', '🐦*'],
  ['letters with marks', 'e\u0301\u0323|'],
  ['rows', '| a | b |\n']
];

test.each(
  LINES.flatMap(([name, unit]) => [
    [name, unit, 'python'],
    [name, unit, '']
  ])
)('long code costs no more than its length: %s', (_, unit, language) => {
  const size = 20_000;
  for (const delta of [size * 3, 1000]) {
    const [short, long] = [size, size * 2].map(length =>
      draw(fenced(unit.repeat(length / unit.length), language), delta)
    );
    expect(long.parsed / short.parsed).toBeLessThanOrEqual(2.3);
    expect(long.written / short.written).toBeLessThanOrEqual(2.3);
    expect(long.parsed).toBeLessThan(size * 2 * 8);
    expect(long.written).toBeLessThan(size * 2 * 2);
    expect(long.code.textContent?.trimEnd()).toBe(
      unit.repeat((size * 2) / unit.length).trimEnd()
    );
  }
});

test('a line of long code is broken nowhere while it arrives', () => {
  const line = 'The quick brown fox jumps over the lazy dog.\n';
  const { code } = draw(fenced(line.repeat(900)), 211);
  const parts = Array.from(code.querySelectorAll('.llm-lines'));
  expect(parts.length).toBeGreaterThan(2);
  for (const part of parts.slice(0, -1)) {
    expect(part.textContent?.slice(-line.length)).toBe(line);
  }
});

test('no part of a very long line begins inside a letter', () => {
  for (const delta of [211, 100_000]) {
    const text = 'e\u0301\u0323🐦'.repeat(8000);
    const { code } = draw(fenced(text), delta);
    const parts = Array.from(code.querySelectorAll('.llm-lines'));
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) {
      expect(part.textContent).not.toMatch(/^[\p{M}\udc00-\udfff]/u);
    }
    expect(code.textContent).toBe(text);
  }
});
