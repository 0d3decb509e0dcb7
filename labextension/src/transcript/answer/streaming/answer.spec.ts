import { expect, test, vi } from 'vitest';

import { Slices } from '../../drawing/slices';
import { randomly } from '../../testing/random';
import { Answer } from './answer';
import { MAX_FORMULAS } from '../formulas/formulas';
import { Markdown } from '../markdown/markdown';

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

test('a growing answer draws a list again when its items turn out to be paragraphs', () => {
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

test('a growing answer finds the target of a link that is used before it is defined', () => {
  const text = 'See [it][1].\n\none\n\ntwo\n\n[1]: https://example.org/\n';
  expect(inPieces(text, () => 3)).toBe(whole(text));
  expect(whole(text)).toContain('href="https://example.org/"');
});

test('a text that continues after it was complete is drawn as one', () => {
  const answer = new Answer(markdown, host);
  answer.update('| a |\n|---|\n| 1 |\n\nHalf an', false);
  answer.update('| a |\n|---|\n| 1 |\n\nHalf an answer', false);
  expect(shown(answer)).toBe(whole('| a |\n|---|\n| 1 |\n\nHalf an answer'));
});

/** Long texts of shapes in which something is repeated or nested without end. */
const LONG: [string, string][] = [
  ['a word', 'a'.repeat(40_000)],
  ['quotes in quotes', '>'.repeat(40_000) + 'x'],
  ['lists in lists', '- '.repeat(30_000) + 'x'],
  ['emphasis that is not closed', '*a '.repeat(20_000)],
  ['short emphasis', '*a*'.repeat(8000)],
  ['brackets', '['.repeat(40_000)],
  ['links', '[a](https://a.example/) '.repeat(2500)],
  ['formulas', '$x$ '.repeat(15_000)],
  ['cells', '|' + 'a|'.repeat(1500) + '\n|' + '-|'.repeat(1500) + '\n|b|'],
  ['code in one line', '```ini\n' + 'a.b'.repeat(19_000) + '\n```\n\nend'],
  ['lines of code', '```python\n' + 'x = 1\n'.repeat(9000) + '```\n\nend'],
  ['rows', '| a | b |\n|--|--|\n' + '| 1 | 2 |\n'.repeat(900)],
  ['items', '- a\n'.repeat(2000)],
  ['paragraphs', 'a\n\n'.repeat(2000)]
];

/** Draws a text as a page does: a slice with each frame, in each of which there is time for one piece. */
function inSlices(text: string, growing: string[] = []): Answer {
  vi.useFakeTimers();
  const answer = new Answer(new Markdown(), host);
  for (const part of growing) {
    answer.update(part, true);
    vi.advanceTimersToNextFrame();
  }
  answer.update(text, false);
  vi.runAllTimers();
  vi.useRealTimers();
  return answer;
}

/** The letters of a text, without the addresses that only links have. */
function letters(text: string): string {
  return text.replace(/https?:\/\/|[^a-z]/g, '');
}

test.each(LONG)(
  'nothing of a very long text is lost, and it is neither too deep nor too large for a page: %s',
  (_, text) => {
    const { node } = inSlices(text);
    const shown = letters(node.textContent ?? '');
    expect(shown.length).toBeGreaterThanOrEqual(
      letters(text.replace(/\(.*?\)/g, '')).length
    );
    expect(shown.slice(-1)).toBe(letters(text).slice(-1));
    for (const part of Array.from(node.querySelectorAll('p, td, .llm-lines'))) {
      expect(part.textContent?.length ?? 0).toBeLessThanOrEqual(20_000);
    }
    let depth = 0;
    for (let at = node.querySelector('blockquote, li'); at; depth += 1) {
      at = at.querySelector('blockquote, li');
    }
    expect(depth).toBeLessThanOrEqual(10);
    expect(node.querySelectorAll('*').length).toBeLessThan(text.length);
  }
);

test('code that grows far beyond a portion stays one block, and nothing of it is lost', () => {
  const code = 'x = 1\n\n'.repeat(3000);
  const text = `One:\n\n  ~~~python\n${code}  ~~~\n\nend`;
  const parts = [0.2, 0.4, 0.9].map(part => text.slice(0, text.length * part));
  const { node } = inSlices(text, parts);
  expect(node.querySelectorAll('pre')).toHaveLength(1);
  expect(node.querySelector('pre code')?.textContent).toBe(
    code.trimEnd() + '\n'
  );
  expect(node.lastElementChild?.textContent).toBe('end');
});

test('a character of a very long line of code is not cut in two', () => {
  const text = '```\n' + 'x' + '🐦'.repeat(30_000);
  const parts = [0.1, 0.5, 0.9].map(part => text.slice(0, text.length * part));
  const { node } = inSlices(text + '\n```', parts);
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  const broken = /^[\udc00-\udfff]|[\ud800-\udbff]$/;
  while (walker.nextNode()) {
    expect(broken.test(walker.currentNode.nodeValue ?? '')).toBe(false);
  }
  expect(node.querySelector('pre')?.textContent).toBe(text.slice(4));
});

test('more formulas than a page can lay out are shown as their source', () => {
  const { node } = inSlices('$x$ '.repeat(3000));
  const formulas = node.querySelectorAll('.llm-formula').length;
  expect(formulas).toBeGreaterThan(1500);
  expect(formulas).toBeLessThanOrEqual(MAX_FORMULAS);
  expect(node.textContent?.match(/\$x\$/g)).toHaveLength(3000);
});

test('a wide table continues as another one before it has too many elements', () => {
  const cells = '| a '.repeat(16) + '|\n';
  const text = cells + '|-'.repeat(16) + '|\n' + cells.repeat(150);
  const tables = Array.from(inSlices(text).node.querySelectorAll('table'));
  expect(tables.length).toBeGreaterThan(1);
  const rows = tables.map(table => table.querySelectorAll('tbody tr').length);
  expect(rows.reduce((sum, count) => sum + count)).toBe(150);
});

test.each([
  ['- a', 'ul', 1],
  ['7. a', 'ol', 7]
])(
  'a long list goes on as another one, with its numbers: %s',
  (item, tag, first) => {
    const text = `${item}\n`.repeat(1000);
    const parts = [0.3, 0.31, 0.7].map(part =>
      text.slice(0, text.length * part)
    );
    const { node } = inSlices(text + '\nend', parts);
    const lists = Array.from(
      node.querySelectorAll<HTMLOListElement>(`:scope > ${tag}`)
    );
    expect(lists.length).toBeGreaterThan(1);
    let next = first;
    for (const list of lists) {
      expect(list.children.length).toBeLessThanOrEqual(400);
      expect(list.classList.contains('llm-goes-on')).toBe(list !== lists[0]);
      if (tag === 'ol') {
        expect(list.start).toBe(next);
      }
      next += list.children.length;
      if (tag === 'ol') {
        const digits = list.style.getPropertyValue('--llm-digits');
        expect(digits).toBe(String(String(next - 1).length));
      }
    }
    expect(next - first).toBe(1000);
    expect(node.lastElementChild?.textContent).toBe('end');
  }
);

test('formulas are counted wherever they settle', () => {
  const text = '- $x$\n'.repeat(1500) + '\n$y$\n\n'.repeat(1500);
  const { node } = inSlices(text, [text.slice(0, 4000)]);
  const formulas = node.querySelectorAll('.llm-formula, .llm-formula-display');
  expect(formulas.length).toBeGreaterThan(1900);
  expect(formulas.length).toBeLessThanOrEqual(MAX_FORMULAS);
  expect(node.textContent?.match(/\$[xy]\$/g)).toHaveLength(3000);
});

test('code that has left the page is not coloured any more', () => {
  const code = '```python\n' + 'x = "a"\n'.repeat(3000) + '```\n';
  const slices = new Slices();
  vi.useFakeTimers();
  const spent = vi.spyOn(slices, 'isSpent', 'get').mockReturnValue(true);
  const answer = new Answer(new Markdown(undefined, slices), host);
  answer.update(code, false);
  const pre = answer.node.querySelector('pre')!;
  answer.update('other', false);
  const before = pre.querySelectorAll('.llm-s').length;
  spent.mockReturnValue(false);
  vi.runAllTimers();
  vi.useRealTimers();
  expect(answer.node.contains(pre)).toBe(false);
  expect(pre.querySelectorAll('.llm-s').length).toBe(before);
});

test('a text that is drawn over many frames can change in the middle', () => {
  const text = 'a\n\n'.repeat(3000);
  const slices = new Slices();
  // In each frame there is time for one step.
  let left = 0;
  vi.spyOn(slices, 'begin').mockImplementation(() => {
    left = 1;
  });
  vi.spyOn(slices, 'isSpent', 'get').mockImplementation(() => {
    left -= 1;
    return left < 0;
  });
  vi.useFakeTimers();
  const answer = new Answer(new Markdown(undefined, slices), host);
  answer.update(text, true);
  expect(answer.node.querySelectorAll('p').length).toBeLessThan(3000);
  const drawn = answer.node.querySelectorAll('p').length;
  answer.update(text + '**b**', true);
  // It is behind, so what is new waits for the next frame too.
  expect(answer.node.querySelectorAll('p').length).toBe(drawn);
  answer.update('other', true);
  vi.runAllTimers();
  vi.useRealTimers();
  expect(answer.node.textContent).toBe('other');
});

test.each([
  ['- item\n', 450],
  ['- # head\n', 450],
  ['1. item\n', 900]
])(
  'a list of %j that turns loose after a portion is drawn again once',
  async (item, count) => {
    const own = new Markdown();
    const parse = vi.spyOn(own, 'parse');
    const answer = new Answer(own, host);
    answer.update(item.repeat(count) + '\n' + `${item}\n`.repeat(3), false);
    await vi.waitFor(() => {
      expect(answer.node.querySelectorAll('li').length).toBe(count + 3);
    }, 20_000);
    const parsed = parse.mock.calls.length;
    await new Promise(resolve => setTimeout(resolve, 100));
    expect(parse.mock.calls.length).toBe(parsed);
    answer.dispose();
  }
);
