/** TeX in an answer: found while parsing, set with the letters and signs that Unicode has. */

import type { TokenizerAndRendererExtension, Tokens } from 'marked';

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

/** Marks that stand over a letter. */
const OVER: Record<string, string> = {
  hat: '\u0302',
  bar: '\u0304',
  tilde: '\u0303',
  dot: '\u0307',
  ddot: '\u0308',
  vec: '\u20d7',
  overline: '\u0305'
};

/** Commands that only say how their argument looks. */
const PLAIN =
  /\\(?:mathrm|mathbf|mathit|mathsf|operatorname|text|textbf|textit|boldsymbol|left|right|displaystyle)(?![a-zA-Z])\s*/g;

interface IMathToken extends Tokens.Generic {
  type: 'math';
  raw: string;
  text: string;
  display: boolean;
}

const INLINE =
  /^(?:\$\$([^$\n](?:[^$\\]|\\[\s\S])*?)\$\$|\$(?!\s)((?:[^$\\\n]|\\[^\n]){1,400}?)(?<!\s)\$(?![\d\w])|\\\(([^\n]{1,400}?)\\\))/;
const BLOCK =
  /^(?:\$\$([\s\S]{1,4000}?)\$\$|\\\[([\s\S]{1,4000}?)\\\])[ \t]*(?:\n|$)/;

/** The rules for `$…$`, `\(…\)`, `$$…$$` and `\[…\]`. */
export const mathRules: TokenizerAndRendererExtension[] = [
  {
    name: 'math',
    level: 'inline',
    start: source => first(source, '$', '\\('),
    tokenizer: source => token(INLINE.exec(source), false),
    renderer: render
  },
  {
    name: 'mathBlock',
    level: 'block',
    start: source => first(source, '\n$$', '\n\\['),
    tokenizer: source => token(BLOCK.exec(source), true),
    renderer: render
  }
];

/** Where the first of the signs is. Asked at every word, so no regular expression. */
function first(source: string, ...signs: string[]): number | undefined {
  const found = signs.map(sign => source.indexOf(sign)).filter(at => at >= 0);
  return found.length ? Math.min(...found) : undefined;
}

function token(
  match: RegExpExecArray | null,
  display: boolean
): IMathToken | undefined {
  if (!match) {
    return undefined;
  }
  const text = (match[1] ?? match[2] ?? match[3] ?? '').trim();
  return { type: 'math', raw: match[0], text, display };
}

function render(token: Tokens.Generic): string {
  const escaped = String(token.text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
  return token.display
    ? `<p><var>${escaped}</var></p>`
    : `<var>${escaped}</var>`;
}

/** TeX as a line of text with raised and lowered parts; what is not known stays as it was written. */
export function typeset(tex: string): HTMLElement {
  const node = el('span', 'llm-math');
  node.title = tex;
  let text = tex
    .replace(PLAIN, '')
    .replace(/\\[,;:!]/g, ' ')
    .replace(/\\([{}%$#&_|])/g, '$1');
  for (let rounds = 0; rounds < 4; rounds += 1) {
    text = text
      .replace(
        /\\d?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g,
        (_, over: string, under: string) => `${grouped(over)}/${grouped(under)}`
      )
      .replace(
        /\\sqrt\s*\{([^{}]*)\}/g,
        (_, inner: string) => `√${grouped(inner)}`
      )
      .replace(
        /\\(hat|bar|tilde|dot|ddot|vec|overline)\s*(?:\{(\\?[a-zA-Z]+)\}|(\\[a-zA-Z]+|[a-zA-Z]))/g,
        (_, mark: string, one?: string, two?: string) =>
          sign(one ?? two ?? '') + OVER[mark]
      );
  }
  raise(node, text.replace(/\\([a-zA-Z]+)/g, sign));
  return node;
}

function grouped(text: string): string {
  return /^[\w\d.α-ωΑ-Ω]*$/.test(text) ? text : `(${text})`;
}

function sign(command: string): string {
  return SIGNS[command.replace('\\', '')] ?? command;
}

/** Put `x^2` and `x_{ij}` into raised and lowered elements. */
function raise(node: HTMLElement, text: string): void {
  for (const part of text.split(/([_^](?:\{[^{}]*\}|[^\s{}]))/)) {
    if (/^[_^]./.test(part)) {
      const inner = part.slice(1).replace(/^\{([^{}]*)\}$/, '$1');
      node.appendChild(el(part[0] === '^' ? 'sup' : 'sub', '', inner));
    } else if (part) {
      node.appendChild(document.createTextNode(part.replace(/[{}]/g, '')));
    }
  }
}
