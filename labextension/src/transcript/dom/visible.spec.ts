import { expect, test } from 'vitest';

import { randomly } from '../testing/random';
import {
  hiddenNote,
  nameNodes,
  nameNote,
  visible,
  visibleName,
  visibleNodes
} from './visible';

function drawn(text: string): HTMLElement {
  const node = document.createElement('div');
  node.append(...visibleNodes(text));
  return node;
}

test.each([
  ['Q3 \u202efdp.exe', 'Q3 \\u{202e}fdp.exe'],
  [
    'a\u200bb\u200cc\u200dd\u2060e\ufefff',
    'a\\u{200b}b\\u{200c}c\\u{200d}d\\u{2060}e\\u{feff}f'
  ],
  ['\u2066x\u2069', '\\u{2066}x\\u{2069}'],
  ['esc\u001b[31m', 'esc\\u{1b}[31m'],
  ['cr\rlf', 'cr\\u{d}lf'],
  ['tag\u{e0041}', 'tag\\u{e0041}'],
  ['no-break\u00a0space', 'no-break\\u{a0}space'],
  ['filler\u3164', 'filler\\u{3164}'],
  ['braille\u2800', 'braille\\u{2800}'],
  ['variation\ufe0f', 'variation\\u{fe0f}'],
  ['line\u2028', 'line\\u{2028}'],
  ['half \ud83d', 'half \\u{d83d}'],
  ['private \ue000', 'private \\u{e000}']
])('what cannot be seen is written out: %j', (text, shown) => {
  expect(visible(text)).toBe(shown);
  expect(drawn(text).textContent).toBe(shown);
});

test.each([
  'plain',
  'a\n\tb  c',
  'größer',
  '日本語',
  'שלום',
  'é (composed)',
  '😀',
  'e\u0301'
])('what can be seen stays: %j', text => {
  expect(visible(text)).toBe(text);
  expect(hiddenNote(text)).toBe('');
});

test('a hidden character stands in a box of its own that names it', () => {
  const box = drawn('a\u202eb').querySelector('bdi')!;
  expect(box.className).toBe('llm-escape');
  expect(box.title).toBe('U+202E right-to-left override');
});

test('one that is only written out by the model gets no box', () => {
  expect(drawn('a\\u{202e}b').querySelector('bdi')).toBeNull();
});

test('the note counts and names them', () => {
  expect(hiddenNote('a\u202eb')).toBe(
    '1 hidden character: U+202E reverses the text after it. Drawn here as it is stored.'
  );
  expect(hiddenNote('\u200b\u200b\u00ad\u2066')).toBe(
    '4 hidden characters: U+200B (zero-width space) cannot be seen, and 2 other kinds. Drawn here as they are stored.'
  );
});

test('marks beyond the fourth on one letter are written out, so that they wrap', () => {
  const pile = 'a' + '\u0301'.repeat(6);
  expect(visible(pile)).toBe('a' + '\u0301'.repeat(4) + '\\u{301}\\u{301}');
  expect(drawn('a' + '\u0301'.repeat(5000)).textContent).toBe(
    'a' + '\u0301'.repeat(4) + '\\u{301} × 4,996'
  );
  expect(hiddenNote(pile)).toContain(
    '2 hidden characters: U+0301 piles up on one letter.'
  );
});

test('a name stays on one line', () => {
  const node = document.createElement('div');
  node.append(...nameNodes('cc\nb\tcc'));
  expect(node.textContent).toBe('cc\\nb\\tcc');
  expect(visibleName('cc\nb\tcc')).toBe('cc\\nb\\tcc');
  expect(node.querySelector('bdi')?.title).toBe('U+000A line break');
  expect(nameNote('cc\nbcc')).toBe(
    'The name of this argument holds a line break, U+000A.'
  );
});

test('a million of them neither hold the page nor are left out', () => {
  const many = drawn('a' + '\u200b'.repeat(1_000_000) + 'b');
  expect(many.textContent).toBe('a\\u{200b} × 1,000,000b');
  const mixed = drawn('\u200b\u200c'.repeat(50_000));
  expect(mixed.querySelectorAll('*').length).toBeLessThan(3000);
  expect(mixed.textContent).toBe('\\u{200b}\\u{200c}'.repeat(50_000));
});

test('no hidden character is ever left in what is drawn', () => {
  randomly(300, random => {
    const text = Array.from({ length: random(30) }, () =>
      String.fromCodePoint(random(4) ? random(0x3000) : random(0x110000))
    ).join('');
    expect(drawn(text).textContent).not.toMatch(
      /[\p{Cf}\p{Zl}\p{Zp}\p{Co}]|(?![\n\t])\p{Cc}/u
    );
    expect(visible(visible(text))).toBe(visible(text));
  });
});
