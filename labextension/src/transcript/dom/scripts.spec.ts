import { expect, test } from 'vitest';

import { mixedWords, mixedWordsNote } from './scripts';
import { visibleNodes } from './visible';

function marked(text: string): string {
  const node = document.createElement('div');
  node.append(...visibleNodes(text));
  expect(node.textContent).toBe(text);
  node.querySelectorAll('.llm-mixed > b').forEach(letter => {
    letter.textContent = `[${letter.textContent}]`;
  });
  return node.textContent ?? '';
}

test.each([
  ['postgr\u0435s://x', 'postgr[\u0435]s://x'],
  ['p\u0430yp\u0430l and paypal', 'p[\u0430]yp[\u0430]l and paypal'],
  ['\u0441\u043e\u0441e', '\u0441\u043e\u0441[e]'],
  ['adm\uff49n', 'adm[\uff49]n'],
  ['r\u{1d428}ot', 'r[\u{1d428}]ot'],
  ['\u0391lpha1', '[\u0391]lpha1']
])('letters of another script in a word are marked: %j', (text, shown) => {
  expect(marked(text)).toBe(shown);
});

test.each([
  'plain',
  'größer naïve',
  'Привет, world',
  '日本語のテスト',
  'Tシャツ',
  '한국어 text',
  'שלום 123',
  '5 µm',
  'e\u0301t\u00e9'
])('what people write is not: %j', text => {
  expect(mixedWords(text)).toEqual([]);
});

test('the note counts the words and names the first letter', () => {
  expect(mixedWordsNote('postgr\u0435s')).toBe(
    '1 word mixes scripts: the marked letter is a Cyrillic \u0435 (U+0435), not a Latin one.'
  );
  expect(mixedWordsNote('p\u0430yp\u0430l \u0391lpha')).toBe(
    '2 words mix scripts: the first marked letter is a Cyrillic \u0430 (U+0430), not a Latin one.'
  );
});

test('ten megabytes are looked through in a moment', () => {
  const began = performance.now();
  expect(mixedWords('x'.repeat(5_000_000) + '日本'.repeat(2_500_000))).toEqual(
    []
  );
  expect(mixedWords('paypal '.repeat(1_000_000) + 'p\u0430')).toHaveLength(1);
  expect(performance.now() - began).toBeLessThan(10_000);
});
