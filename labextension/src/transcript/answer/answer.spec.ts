import { expect, test } from 'vitest';

import { randomly } from '../testing/random';
import { Answer } from './answer';
import { Markdown } from './markdown';

const markdown = new Markdown();
const host = () => ({});

function shown(answer: Answer): string {
  return answer.node.innerHTML.replace(/>\s+</g, '><').trim();
}

function whole(text: string): string {
  const answer = new Answer(markdown, host);
  answer.update(text, false);
  return shown(answer);
}

/** The HTML after a text has arrived in pieces of these lengths. */
function inPieces(text: string, length: () => number): string {
  const answer = new Answer(markdown, host);
  for (let at = 0; at < text.length;) {
    at = Math.min(text.length, at + length());
    answer.update(text.slice(0, at), true);
  }
  answer.update(text, false);
  return shown(answer);
}

const WORDS = [
  'the price',
  ' of **an order**',
  ' fell `in August`',
  '\n',
  '\n\n',
  '\n- item',
  '\n- another',
  '\n  - inner',
  '\n* other',
  '\n1. first',
  '\n2. second',
  '\n- [x] done',
  '\n\n- apart',
  '\n- - -',
  '\n# Head',
  '\n> quoted',
  '\n```python\nx = 1\n```',
  '\n```\nopen',
  '\n    indented',
  '\n| a | b |\n|---|--:|\n',
  '| 1 | 2 |\n',
  '| x ',
  '[link](https://example.org)',
  ' [named][1]',
  '\n[1]: https://example.org/late\n',
  ' $x^2$ ',
  '\n$$\\frac{a}{b}$$\n',
  '\n---\n',
  '\n===\n',
  '<b>',
  '\r\n',
  ' *',
  ' _',
  '\\'
];

test('an answer that grows ends up as it would have been drawn at once, wherever it was cut', () => {
  randomly(60, random => {
    const text = Array.from({ length: 4 + random(24) }, () =>
      random(3) ? WORDS[random(WORDS.length)] : WORDS[9 - random(7)]
    ).join('');
    const most = 1 + random(12);
    expect(inPieces(text, () => 1 + random(most))).toBe(whole(text));
  });
});

test.each([
  ['a list', (at: number) => `- item ${at}\n`],
  ['a list of paragraphs', (at: number) => `- item ${at}\n\n`],
  ['a numbered list', (at: number) => `${at + 3}. item ${at}\n`],
  ['a nested list', (at: number) => `- item ${at}\n  - inner ${at}\n`],
  [
    'a table',
    (at: number) => (at ? '' : '| a | b |\n|---|--:|\n') + `| ${at} | **b** |\n`
  ]
])(
  'an answer that grows keeps the nodes of %s that are finished',
  (_, line) => {
    const answer = new Answer(markdown, host);
    const lines = Array.from({ length: 40 }, (__, at) => line(at));
    answer.update(lines.slice(0, 20).join(''), true);
    const before = Array.from(
      answer.node.querySelectorAll('tbody > tr, .llm-answer > * > li')
    ).slice(0, 17);
    expect(before).toHaveLength(17);
    for (let count = 21; count <= lines.length; count += 1) {
      answer.update(lines.slice(0, count).join(''), true);
    }
    expect(before.every(node => answer.node.contains(node))).toBe(true);
    answer.update(lines.join(''), false);
    expect(shown(answer)).toBe(whole(lines.join('')));
  }
);

test('an answer that grows keeps the nodes of paragraphs that are finished', () => {
  const answer = new Answer(markdown, host);
  answer.update('one\n\ntwo\n\nthree\n\nfo', true);
  const first = answer.node.firstElementChild;
  answer.update('one\n\ntwo\n\nthree\n\nfour', true);
  expect(answer.node.firstElementChild).toBe(first);
  expect(answer.node.querySelectorAll('p')).toHaveLength(4);
});

test('an answer that grows draws a list anew when its items turn out to be paragraphs', () => {
  const answer = new Answer(markdown, host);
  const tight = '- a\n- b\n- c\n- d\n- e\n';
  answer.update(tight, true);
  answer.update(tight + '\n- f\n\n- g', true);
  expect(answer.node.querySelectorAll('li > p')).toHaveLength(7);
});

test('an answer that grows grows a block of code in place', () => {
  const answer = new Answer(markdown, host);
  answer.update('```python\nx = 1\n', true);
  const block = answer.node.querySelector('pre');
  answer.update('```python\nx = 1\ny = 2\n', true);
  expect(answer.node.querySelector('pre')).toBe(block);
  expect(block?.textContent).toBe('x = 1\ny = 2');
});

test('an answer that grows shows a caret at its end only while it grows', () => {
  const answer = new Answer(markdown, host);
  answer.update('- one\n- two', true);
  const caret = answer.node.querySelector('.llm-caret');
  expect(caret?.parentElement?.textContent).toBe('two');
  answer.update('- one\n- two', false);
  expect(answer.node.querySelector('.llm-caret')).toBeNull();
});

test('an answer that grows finds the target of a link that is named before it is defined', () => {
  const text = 'See [it][1].\n\none\n\ntwo\n\n[1]: https://example.org/\n';
  expect(inPieces(text, () => 3)).toBe(whole(text));
  expect(whole(text)).toContain('href="https://example.org/"');
});
