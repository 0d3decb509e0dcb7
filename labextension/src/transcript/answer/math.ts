/**
 * Finds TeX formulas in Markdown, and sets them on one line with the letters and
 * signs of Unicode. What it does not know stays as it was written.
 */

import { el } from '../dom/elements';

const SIGNS: Record<string, string> = {
  alpha: 'α',
  beta: 'β',
  gamma: 'γ',
  delta: 'δ',
  epsilon: 'ε',
  varepsilon: 'ε',
  zeta: 'ζ',
  eta: 'η',
  theta: 'θ',
  vartheta: 'ϑ',
  iota: 'ι',
  kappa: 'κ',
  lambda: 'λ',
  mu: 'μ',
  nu: 'ν',
  xi: 'ξ',
  pi: 'π',
  rho: 'ρ',
  sigma: 'σ',
  tau: 'τ',
  upsilon: 'υ',
  phi: 'φ',
  varphi: 'φ',
  chi: 'χ',
  psi: 'ψ',
  omega: 'ω',
  Gamma: 'Γ',
  Delta: 'Δ',
  Theta: 'Θ',
  Lambda: 'Λ',
  Xi: 'Ξ',
  Pi: 'Π',
  Sigma: 'Σ',
  Upsilon: 'Υ',
  Phi: 'Φ',
  Psi: 'Ψ',
  Omega: 'Ω',
  times: '×',
  cdot: '·',
  div: '÷',
  pm: '±',
  mp: '∓',
  leq: '≤',
  le: '≤',
  geq: '≥',
  ge: '≥',
  neq: '≠',
  ne: '≠',
  approx: '≈',
  sim: '∼',
  equiv: '≡',
  propto: '∝',
  infty: '∞',
  partial: '∂',
  nabla: '∇',
  sum: '∑',
  prod: '∏',
  int: '∫',
  in: '∈',
  notin: '∉',
  subset: '⊂',
  subseteq: '⊆',
  cup: '∪',
  cap: '∩',
  emptyset: '∅',
  forall: '∀',
  exists: '∃',
  to: '→',
  rightarrow: '→',
  leftarrow: '←',
  Rightarrow: '⇒',
  Leftarrow: '⇐',
  iff: '⇔',
  mapsto: '↦',
  neg: '¬',
  land: '∧',
  lor: '∨',
  ldots: '…',
  dots: '…',
  cdots: '⋯',
  prime: '′',
  ell: 'ℓ',
  hbar: 'ℏ',
  langle: '⟨',
  rangle: '⟩',
  top: '⊤',
  perp: '⊥',
  mid: '∣',
  parallel: '∥',
  circ: '∘',
  star: '⋆',
  ast: '∗',
  ll: '≪',
  gg: '≫',
  quad: ' ',
  log: 'log',
  ln: 'ln',
  exp: 'exp',
  sin: 'sin',
  cos: 'cos',
  tan: 'tan',
  min: 'min',
  max: 'max',
  lim: 'lim',
  det: 'det'
};

/** Accents, as characters that combine with the letter before them. */
const ACCENTS: Record<string, string> = {
  hat: '\u0302',
  bar: '\u0304',
  tilde: '\u0303',
  dot: '\u0307',
  ddot: '\u0308',
  vec: '\u20d7',
  overline: '\u0305'
};

/** Commands that only change the look of their argument. */
const STYLING =
  /\\(?:mathrm|mathbf|mathit|mathsf|operatorname|text|textbf|textit|boldsymbol|left|right|displaystyle)(?![a-zA-Z])\s*/g;

/** A formula in a text, with the source that it takes there. */
export interface IFormula {
  raw: string;
  text: string;
  display: boolean;
}

/** No formula has a longer source. */
export const LONGEST_FORMULA = 4100;

const INLINE =
  /^(?:\$\$([^$\n](?:[^$\\]|\\[\s\S])*?)\$\$|\$(?!\s)((?:[^$\\\n]|\\[^\n]){1,400}?)(?<!\s)\$(?![\d\w])|\\\(([^\n]{1,400}?)\\\))/;
const BLOCK =
  /^(?:\$\$([\s\S]{1,4000}?)\$\$|\\\[([\s\S]{1,4000}?)\\\])[ \t]*(?:\n|$)/;

/** The formula that a text inside a line begins with: `$…$`, `$$…$$` or `\(…\)`. */
export function inlineFormula(source: string): IFormula | null {
  return makeFormula(INLINE.exec(source), false);
}

/** The formula that a block begins with, which takes whole lines: `$$…$$` or `\[…\]`. */
export function blockFormula(source: string): IFormula | null {
  return makeFormula(BLOCK.exec(source), true);
}

function makeFormula(
  match: RegExpExecArray | null,
  display: boolean
): IFormula | null {
  if (!match) {
    return null;
  }
  const text = (match[1] ?? match[2] ?? match[3] ?? '').trim();
  return { raw: match[0], text, display };
}

/** The HTML that carries a formula through the sanitiser. */
export function carrierOf({ text, display }: IFormula): string {
  const escaped = text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
  return display ? `<p><var>${escaped}</var></p>` : `<var>${escaped}</var>`;
}

/** Draw a formula. Its source is in the title. */
export function typeset(tex: string): HTMLElement {
  const node = el('span', 'llm-math');
  node.title = tex;
  let text = tex
    .replace(STYLING, '')
    .replace(/\\[,;:!]/g, ' ')
    .replace(/\\([{}%$#&_|])/g, '$1');
  // From the inside out, as deep as formulas usually nest.
  for (let rounds = 0; rounds < 4; rounds += 1) {
    text = text
      .replace(
        /\\d?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g,
        (_, over: string, under: string) =>
          `${inBrackets(over)}/${inBrackets(under)}`
      )
      .replace(
        /\\sqrt\s*\{([^{}]*)\}/g,
        (_, inner: string) => `√${inBrackets(inner)}`
      )
      .replace(
        /\\(hat|bar|tilde|dot|ddot|vec|overline)\s*(?:\{(\\?[a-zA-Z]+)\}|(\\[a-zA-Z]+|[a-zA-Z]))/g,
        (_, mark: string, one?: string, two?: string) =>
          signOf(one ?? two ?? '') + ACCENTS[mark]
      );
  }
  appendRaised(node, text.replace(/\\([a-zA-Z]+)/g, signOf));
  return node;
}

/** Put a term in brackets, unless it is one number or name. */
function inBrackets(text: string): string {
  return /^[\w\d.α-ωΑ-Ω]*$/.test(text) ? text : `(${text})`;
}

function signOf(command: string): string {
  return SIGNS[command.replace('\\', '')] ?? command;
}

/** Append a text with `^2` raised and `_{ij}` lowered. */
function appendRaised(node: HTMLElement, text: string): void {
  for (const part of text.split(/([_^](?:\{[^{}]*\}|[^\s{}]))/)) {
    if (/^[_^]./.test(part)) {
      const inner = part.slice(1).replace(/^\{([^{}]*)\}$/, '$1');
      node.appendChild(el(part[0] === '^' ? 'sup' : 'sub', '', inner));
    } else if (part) {
      node.appendChild(document.createTextNode(part.replace(/[{}]/g, '')));
    }
  }
}
