import { readFileSync } from 'node:fs';

import { expect, test, vi } from 'vitest';

import { Markdown } from '../transcript/answer/markdown/markdown';
import { texOf } from '../transcript/answer/formulas/rules';
import { typeset } from '.';

interface IData {
  formulas: { topic: string; source: string }[];
  refused: string[];
  wrong: string[];
  texts: { source: string; formulas: string[] }[];
}

/** Formulas as models write them. Python's tests use the same file for the saved answer. */
const data = JSON.parse(
  readFileSync('../tests/transcript/formulas.json', 'utf8')
) as IData;

async function drawn(text: string, growing = false): Promise<HTMLElement> {
  const markdown = new Markdown(() => Promise.resolve({ typeset }));
  const node = document.createElement('div');
  node.append(
    ...markdown
      .nodes(markdown.parse(text, {}, growing).blocks, () => ({}))
      .flat()
  );
  await Promise.resolve();
  await Promise.resolve();
  return node;
}

function set(source: string): Element {
  const formula = typeset(texOf(source), !/^(?:\$[^$]|\\\()/.test(source));
  expect(formula, source).not.toBeNull();
  return formula!.math;
}

test('there are more than 150 of them', () => {
  expect(data.formulas.length).toBeGreaterThan(150);
});

test.each(data.formulas)(
  '$topic: $source is set as it was written',
  async ({ source }) => {
    const node = await drawn(source);
    const [math] = Array.from(node.querySelectorAll('math'));
    expect(node.querySelectorAll('math')).toHaveLength(1);
    expect(node.querySelectorAll('code, merror, a, img, [id]')).toHaveLength(0);
    expect(math.textContent).not.toMatch(/[\\]/);
    expect(math.textContent!.trim().length).toBeGreaterThan(0);
    expect(
      node.querySelector('.llm-formula-copied')!.textContent!.trim()
    ).not.toBe('');
  }
);

test.each([...data.refused, ...data.wrong])(
  '%s stays as it was written',
  async source => {
    const node = await drawn(source);
    expect(node.querySelector('math')).toBeNull();
    expect(node.textContent).toBe(source);
  }
);

test.each(data.texts)(
  'in $source, formulas are told from text',
  async ({ source, formulas }) => {
    const node = document.createElement('div');
    // Without the library, each formula shows its source.
    const markdown = new Markdown();
    node.append(
      ...markdown.nodes(markdown.parse(source, {}).blocks, () => ({})).flat()
    );
    const found = Array.from(
      node.querySelectorAll('.llm-formula, .llm-formula-display')
    );
    expect(found.map(one => one.textContent)).toEqual(formulas);
  }
);

test.each([
  [String.raw`$\frac{a}{b}$`, 'mfrac', 'ab'],
  [String.raw`$\sqrt[3]{x}$`, 'mroot', 'x3'],
  [String.raw`$x_i^2$`, 'msubsup', 'xi2'],
  [String.raw`$$\sum_{i=1}^n i$$`, 'munderover', '∑i=1n'],
  [
    String.raw`$$\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$$`,
    'mtable',
    '1234'
  ],
  [String.raw`$\hat{x}$`, 'mover', 'xˆ'],
  [String.raw`$\mathbb{R}$`, 'mi', 'ℝ'],
  [String.raw`$\|x\|$`, 'math', '‖x‖'],
  [String.raw`$\{1,2\}$`, 'math', '{1,2}'],
  [String.raw`$\not\in$`, 'mo', '\u2209'],
  [String.raw`$\mathbbm{R}$`, 'mi', 'ℝ'],
  [String.raw`$\mathds{1}_A$`, 'msub', '𝟙A'],
  [String.raw`$\mathcolor{red}{x}$`, 'mi', 'x'],
  [String.raw`$x \mbox{ if } y$`, 'mtext', 'if'],
  [String.raw`$a \ngeq b$`, 'math', 'a≱b']
])('%s means what it says', (source, element, text) => {
  const math = set(source);
  const found = element === 'math' ? math : math.querySelector(element);
  expect(found?.textContent?.replace(/\s/g, '')).toBe(text);
});

test('a matrix has its rows and cells, and a number stands beside its formula', () => {
  const matrix = set(
    String.raw`$$\begin{bmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{bmatrix}$$`
  );
  expect(matrix.querySelectorAll('mtr')).toHaveLength(2);
  expect(matrix.querySelectorAll('mtd')).toHaveLength(6);
  const numbered = set(
    String.raw`\begin{align} a &= b \tag{7} \\ c &= d \end{align}`
  );
  expect(numbered.querySelector('.tml-tag')?.textContent).toBe('(7)');
  expect(numbered.textContent).toBe('a=b(7)c=d');
});

test.each([
  [String.raw`$\sigma(x)=\frac{1}{1+e^{-x}}$`, 'σ(x)=1/(1+e^(−x))'],
  [String.raw`$\sqrt{x^2+1}$`, '√(x^2+1)'],
  [String.raw`$f'(x_1)$`, 'f′(x_1)'],
  [String.raw`$\binom{n}{k}$`, '(n¦k)'],
  [String.raw`\[ x = \frac{1}{2} \]`, String.raw`x = \frac{1}{2}`]
])('%s is copied as %s', async (source, text) => {
  const node = await drawn(`So ${source} is.`);
  const copied = node.querySelector('.llm-formula-copied')!;
  expect(copied.textContent).toBe(text);
  expect(copied.getAttribute('aria-hidden')).toBe('true');
});

test('a name for references is left out, and a formula that refers to one stays text', async () => {
  const node = await drawn(
    String.raw`\begin{equation} x \label{eq:a} \end{equation}`
  );
  expect(node.querySelector('math')?.textContent).toBe('x');
  expect(node.querySelector('[id]')).toBeNull();
});

test('sizes are bounded, and what would grow without end is not set', () => {
  const lengths = (tex: string): number[] =>
    Array.from(
      typeset(tex, true)?.math.outerHTML.matchAll(/([\d.]+)em/g) ?? [],
      found => Number(found[1])
    );
  for (const tex of [
    String.raw`\rule{1000em}{1000em}`,
    String.raw`x \hspace{9999em} y`,
    String.raw`\kern-1000em x`,
    String.raw`\raisebox{1000em}{x}`
  ]) {
    expect(Math.max(0, ...lengths(tex)), tex).toBeLessThanOrEqual(50);
  }
  expect(typeset('{'.repeat(3000) + '}'.repeat(900), true)).toBeNull();
  expect(typeset(String.raw`\sqrt `.repeat(600) + 'x', true)).toBeNull();
  expect(typeset('x'.repeat(4001), true)).toBeNull();
  expect(typeset('x'.repeat(2000), true)).toBeNull();
  expect(typeset('x'.repeat(500), true)).not.toBeNull();
});

test('nothing in a formula can act, fetch, name or style what is around it', () => {
  for (const tex of [
    String.raw`\text{<img src=x onerror=alert(1)>}`,
    String.raw`\color{url(https://a.example)}x`,
    String.raw`\textcolor{red;background:url(x)}{x}`,
    String.raw`\mathrm{</math><script>alert(1)</script>}`,
    String.raw`\tag{<b>x</b>} y`
  ]) {
    const math = typeset(tex, true)?.math;
    for (const node of math ? [math, ...math.querySelectorAll('*')] : []) {
      expect(node.namespaceURI).toBe('http://www.w3.org/1998/Math/MathML');
      for (const { name, value } of Array.from(node.attributes)) {
        expect(name).not.toMatch(/^(?:on|href|src|id|data-|xlink)/);
        expect(value).not.toMatch(/url|[(<>"]/);
      }
    }
  }
});

test.each([
  ['the same formula', () => '$x^2_3$ '],
  ['other formulas', (at: number) => `$x_{${at}}$ `]
])(
  'of hundreds, only so many are set for each frame, and none that has left the page: %s',
  async (_, formula) => {
    vi.useFakeTimers();
    vi.spyOn(performance, 'now').mockReturnValue(0);
    const markdown = new Markdown(() => Promise.resolve({ typeset }));
    const drawnIn = (node: Element, text: string): void =>
      node.replaceChildren(
        ...markdown
          .nodes(
            markdown.parse(text, {}).blocks,
            () => ({}),
            drawn => node.contains(drawn)
          )
          .flat()
      );
    const node = document.createElement('div');
    const text = Array.from({ length: 130 }, (__, at) => formula(at)).join('');
    drawnIn(node, 'Nothing.');
    drawnIn(node, text.slice(0, 500));
    // What is drawn again does not wait for what it replaces.
    drawnIn(node, text);
    const counts: number[] = [];
    for (let frame = 0; frame < 4; frame += 1) {
      await vi.advanceTimersToNextTimerAsync();
      counts.push(node.querySelectorAll('math').length);
    }
    vi.useRealTimers();
    vi.restoreAllMocks();
    expect(counts.map((count, at) => count - (counts[at - 1] ?? 0))).toEqual([
      100, 30, 0, 0
    ]);
  }
);

test('half of a displayed formula is kept as it is while its other half may come', async () => {
  const whole = '$$\n\\frac{a_1}{b_2} * c_3 * d\n$$\nso';
  for (let length = 3; length < whole.indexOf('\n$$\n') + 3; length += 1) {
    const node = await drawn(whole.slice(0, length), true);
    expect(node.querySelector('em, math, code'), String(length)).toBeNull();
    expect(node.textContent).toBe(whole.slice(0, length).trim());
  }
  expect((await drawn(whole, true)).querySelectorAll('math')).toHaveLength(1);
});
