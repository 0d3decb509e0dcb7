import { expect, test, vi } from 'vitest';

import type { IHost } from '../../drawing/host';
import { randomly } from '../../testing/random';
import { SPOOF } from '../../testing/samples';
import { Markdown } from './markdown';

const markdown = new Markdown();

function drawn(text: string, host: IHost = {}): HTMLElement {
  const node = document.createElement('div');
  const { blocks } = markdown.parse(text, {});
  node.append(...markdown.nodes(blocks, () => host).flat());
  return node;
}

/** Elements that only our own code makes, whose classes a model cannot name. */
const OURS = 'button, svg, svg *, a, img';

function expectHarmless(node: HTMLElement): void {
  for (const element of Array.from(node.querySelectorAll('*'))) {
    expect(element.tagName.toLowerCase()).not.toMatch(
      /^(?:script|style|iframe|object|embed|form|input|textarea|select|link|meta|base|video|audio|source|math|template|section|details)$/
    );
    for (const { name, value } of Array.from(element.attributes)) {
      if (name === 'style' && element.className === 'llm-lines') {
        // How many lines a part of long code has.
        expect(value).toMatch(/^--llm-lines: \d+;$/);
        continue;
      }
      expect(name).not.toMatch(
        /^(?:on|data-|aria-(?!hidden|label)|id$|style$|name$|srcset$|src$|for$|formaction$)/
      );
      if (name === 'href') {
        expect(value).toMatch(/^(?:https?:\/\/|mailto:)/);
        expect(element.getAttribute('rel')).toBe('noopener noreferrer');
      }
      if (name === 'class' && !element.matches(OURS)) {
        expect(value).not.toMatch(/llm-(?:ask|fold|glyph|row|actions|button)/);
      }
    }
  }
}

test.each([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<a href="https://x.example" data-commandlinker-command="docmanager:save">x</a>',
  '<style>.llm-ask { display: none }</style>',
  '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<details open ontoggle=alert(1)>',
  '<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)></style></mglyph></math>',
  '<section class="llm-ask"><button class="llm-button">Approve</button></section>',
  'text <b onclick=alert(1)>bold</b>',
  '<!-- --><script>alert(1)</script>',
  '<p title="</p><script>alert(1)</script>">'
])('raw HTML is shown as the text that it is: %s', html => {
  const node = drawn(html);
  expectHarmless(node);
  expect(node.textContent).toContain(html.slice(0, 12));
  expect(node.querySelectorAll('img, b, button')).toHaveLength(0);
});

test.each([
  '[x](javascript:alert(1))',
  '[x](JaVaScRiPt:alert(1))',
  '[x](java&#x09;script:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '[x](vbscript:msgbox)',
  '[x](file:///etc/passwd)',
  '[x](/lab?reset)',
  '[x](#top)',
  '[x](blob:https://x.example/1)'
])('a link that leads anywhere but out is plain text: %s', text => {
  const node = drawn(text);
  expect(node.querySelector('a')).toBeNull();
  expect(node.textContent).toContain('x');
});

test('a link says which host it leads to, and is opened by the host page', () => {
  const openLink = vi.fn();
  const node = drawn('[your bank](https://evil.example/login)', { openLink });
  const link = node.querySelector('a')!;
  expect(node.textContent).toBe('your bank evil.example');
  expect(link.target).toBe('_blank');
  link.click();
  expect(openLink).toHaveBeenCalledWith('https://evil.example/login');
});

test.each([
  ['https://bank.example', 'https://evil.example/'],
  ['bank.example', 'https://evil.example/']
])(
  'a link whose words are another address still says its host: %s',
  (words, url) => {
    expect(drawn(`[${words}](${url})`).textContent).toBe(
      `${words} evil.example`
    );
  }
);

test('a bare address needs no second one', () => {
  expect(drawn('https://example.org/a').textContent).toBe(
    'https://example.org/a'
  );
});

test('an image is loaded only by a click, without a referrer', () => {
  const node = drawn('![a chart](https://charts.example.org/q3.png "title")');
  expect(node.querySelector('img')).toBeNull();
  expect(node.textContent).toContain('charts.example.org/q3.png');
  node.querySelector('button')!.click();
  const image = node.querySelector('img')!;
  expect(image.src).toBe('https://charts.example.org/q3.png');
  expect(image.referrerPolicy).toBe('no-referrer');
  expect(image.alt).toBe('a chart');
});

test.each([
  'data:image/svg+xml,<svg onload=alert(1)>',
  'javascript:alert(1)',
  '/files/x.png'
])('an image from %s cannot be loaded at all', source => {
  const node = drawn(`![what it shows](<${source}>)`);
  expect(node.querySelectorAll('img, button')).toHaveLength(0);
  expect(node.textContent).toContain('what it shows');
});

test('a diagram is code like any other', () => {
  const node = drawn('```mermaid\ngraph TD; A-->B\n```');
  expect(node.querySelector('pre')?.textContent).toBe('graph TD; A-->B');
  expect(node.querySelectorAll('pre, code, .mermaid')).toHaveLength(2);
});

test('the language of a fence is a word, whatever the model writes there', () => {
  const node = drawn('```python" onmouseover="alert(1)\nx\n```');
  expect(node.querySelector('.llm-block-bar')?.firstChild?.textContent).toBe(
    'python'
  );
  expectHarmless(node);
});

test('a formula shows its source until the library that sets it is there', async () => {
  const math = document.createElement('math');
  const typeset = vi.fn(() => ({ math, text: 'β' }));
  const node = document.createElement('div');
  const markdown = new Markdown(() => Promise.resolve({ typeset }));
  const { blocks } = markdown.parse('so $\\beta$ and $$<b>$$', {});
  node.append(...markdown.nodes(blocks, () => ({})).flat());
  expect(node.textContent).toBe('so $\\beta$ and $$<b>$$');
  await vi.waitFor(() => expect(node.querySelectorAll('math')).toHaveLength(2));
  expect(typeset.mock.calls).toEqual([
    ['\\beta', false],
    ['<b>', true]
  ]);
  expect(node.querySelector('b')).toBeNull();
});

test('a bar in code is a bar', () => {
  const node = drawn('    a |$x|y$| b\n\n- `$a|b$` |\n\n```\n|$a|b$|\n```');
  const codes = Array.from(
    node.querySelectorAll('code'),
    one => one.textContent
  );
  expect(codes).toEqual(['a |$x|y$| b', '$a|b$', '|$a|b$|']);
});

test('the library is not loaded for a text without formulas', () => {
  const load = vi.fn();
  const markdown = new Markdown(load);
  markdown.nodes(markdown.parse('It costs $5 and $6.', {}).blocks, () => ({}));
  expect(load).not.toHaveBeenCalled();
});

test('thousands of formulas are set in turns, so that the page stays responsive', async () => {
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  const typeset = vi.fn(() => {
    now += 1;
    return { math: document.createElement('math'), text: '' };
  });
  const markdown = new Markdown(() => Promise.resolve({ typeset }));
  const text = Array.from({ length: 100 }, (_, i) => `$x_{${i}}$`).join(' ');
  markdown.nodes(markdown.parse(text, {}).blocks, () => ({}));
  await Promise.resolve();
  await Promise.resolve();
  expect(typeset.mock.calls.length).toBeLessThan(20);
  await vi.waitFor(() => expect(typeset).toHaveBeenCalledTimes(100));
  clock.mockRestore();
});

test.each([
  ['See there[^1].\n\n[^1]: Appendix', 'See there[^1].|[^1]: Appendix'],
  [
    '[1]: https://a.example/x\n[1]: https://b.example/y',
    '[1]: https://a.example/x|[1]: https://b.example/y'
  ],
  ['H<sub>2</sub>O, one<br>two, <sub>not', 'H2O, onetwo, <sub>not'],
  ['<br>\n\nnext', 'next']
])('what Markdown would hide is shown: %s', (text, shown) => {
  const node = drawn(text);
  const lines = Array.from(node.children, one => one.textContent!.trim());
  expect(lines.join('|')).toBe(shown);
});

test('nothing of the imitation of a card is a part of one', () => {
  const node = drawn(SPOOF);
  expectHarmless(node);
  expect(
    node.querySelectorAll('.llm-ask, .llm-primary, .llm-glyph')
  ).toHaveLength(0);
  expect(node.querySelector('h3')?.textContent).toContain(
    'Waiting for your approval'
  );
});

/** Pieces of Markdown and HTML, of which random texts are made. */
const PIECES = [
  '<',
  '>',
  '"',
  "'",
  '`',
  '*',
  '_',
  '[',
  ']',
  '(',
  ')',
  '!',
  '\n',
  '\n\n',
  '|',
  '\\',
  '&lt;',
  '&#60;',
  '$',
  '$$',
  'javascript:',
  'https://a.example/',
  'onerror=',
  'x',
  ' ',
  '<img ',
  '<a href=',
  '<svg>',
  '</p>',
  '<!--',
  '-->',
  '```',
  'data-x=',
  'style=',
  '<style>',
  '<math>',
  '<mtext>',
  'class="llm-ask"',
  '[1]: ',
  '> ',
  '- ',
  '|--|'
];

test('whatever is written, nothing in it can act, fetch, style or be named', () => {
  randomly(300, random => {
    const text = Array.from(
      { length: random(40) },
      () => PIECES[random(PIECES.length)]
    ).join('');
    expectHarmless(drawn(text));
  });
});
