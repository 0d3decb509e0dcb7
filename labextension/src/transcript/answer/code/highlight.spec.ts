import { expect, test } from 'vitest';

import { highlight } from './highlight';

/** The coloured words of a code, each with its colour. */
function colours(code: string, language: string): string[] {
  const nodes = highlight(code, language) ?? [];
  expect(nodes.map(node => node.textContent).join('')).toBe(code);
  return nodes.flatMap(node =>
    node instanceof HTMLElement
      ? [`${node.className.slice(4)} ${node.textContent}`]
      : []
  );
}

test('CSS has the colours that there are: tags, numbers, strings and comments', () => {
  const code =
    '/* so */\nul > a.b2:hover { color: #fff; margin: -1.5em; content: "x" }';
  expect(colours(code, 'css')).toEqual([
    'c /* so */',
    'k ul',
    'k a',
    'n #fff',
    'n -1.5em',
    's "x"'
  ]);
  expect(
    colours('@media (min-width: 40em) { p { top: 0 !important } }', 'css')
  ).toEqual(expect.arrayContaining(['n 40em', 'n 0', 'k !important']));
});

test('what is no CSS loses nothing', () => {
  for (const code of ['}}}{{{', '@', '/* open', '"open', '#', '--x:', 'é{']) {
    colours(code, 'css');
  }
});
