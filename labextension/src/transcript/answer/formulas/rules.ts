/**
 * Finds formulas in Markdown: `$…$`, `\(…\)`, `$$…$$`, `\[…\]` and environments
 * such as `\begin{align}`. `llm_notebook/transcript/markdown/math.py` finds the
 * same ones for the saved answer.
 *
 * Two kinds of text look like formulas but are not: prices (`$5 and $6`), and
 * names of variables (`$HOME/$USER`). `isFormula` tells them apart.
 *
 * While a text grows, a displayed formula at its end may lack its other half.
 * It is kept together then, so that no half of it is read as Markdown.
 *
 * The parser asks at every sign of a text, so the time for each answer does not
 * depend on the length of the text.
 */

/** The longest formula that is looked for, in characters. */
const LONGEST = 4000;

const ENVIRONMENT =
  /^\\begin(\{(?:align(?:ed|at|edat)?|array|[bBpvV]?matrix|smallmatrix|[dr]?cases|CD|eqnarray|equation|flalign|gather(?:ed)?|multline|split|subarray)\*?\})/;

/** What displayed formulas begin and end with. */
const DISPLAY = { $$: '$$', '\\[': '\\]' };

/** A formula as it was written. */
export interface IFormula {
  source: string;
  /** Whether it stands by itself, and not in a line of text. */
  display: boolean;
  /** Whether its other half may still come. */
  isOpen: boolean;
}

/** A formula with the source that it takes. */
export interface IFormulaToken extends IFormula {
  type: 'formula' | 'formulaBlock';
  raw: string;
}

/** Reads the formula that a text begins with. */
type Rule = (source: string) => IFormulaToken | undefined;

/** What the rules must know of the text that is parsed. */
export interface IGrowth {
  /** The text, if more of it may come. */
  growing: string | null;
  /** Set by the rules if there is a formula whose other half may still come. */
  foundOpen: boolean;
}

/** The rules that read formulas in a line, and formulas that stand in lines of their own. */
export function formulaRules(growth: IGrowth): { inline: Rule; block: Rule } {
  return {
    inline: source => {
      const display = displayedIn(source);
      const raw = display ?? inLine(source);
      return raw
        ? token('formula', raw, { display: Boolean(display), isOpen: false })
        : openIn('formula', source, growth);
    },
    block: source => {
      const indent = /^ {0,3}/.exec(source)![0].length;
      const formula = displayedIn(source.slice(indent));
      const raw = formula && source.slice(0, indent + formula.length);
      const end = raw && /^[ \t]*(?:\n|$)/.exec(source.slice(raw.length));
      return end
        ? token('formulaBlock', raw + end[0], { display: true, isOpen: false })
        : openIn('formulaBlock', source, growth);
    }
  };
}

/** The formula without its delimiters. An environment is a formula as a whole. */
export function texOf(source: string): string {
  if (source.startsWith('\\begin')) {
    return source;
  }
  const width = /^\$(?!\$)/.test(source) ? 1 : 2;
  return source.slice(width, -width).trim();
}

/** The formula that an element carries. */
export function formulaIn(node: HTMLElement): IFormula {
  return {
    source: node.textContent ?? '',
    display: node.title !== 'line',
    isOpen: node.title === 'open'
  };
}

/** The displayed formula that this text begins with. */
function displayedIn(source: string): string | undefined {
  const sign = source.slice(0, 2);
  if (sign === '$$' || sign === '\\[') {
    return upTo(DISPLAY[sign], source);
  }
  const name = sign === '\\b' && ENVIRONMENT.exec(source)?.[1];
  return name ? upTo(`\\end${name}`, source) : undefined;
}

/** The formula in a line that this text begins with. */
function inLine(source: string): string | undefined {
  if (source.startsWith('\\(')) {
    return upTo('\\)', source);
  }
  if (!/^\$[^\s$]/.test(source)) {
    return undefined;
  }
  const raw = upTo('$', source);
  return raw && isFormula(raw.slice(1, -1), source.slice(raw.length))
    ? raw
    : undefined;
}

/** The text up to its first `closer`, if something stands before it and no backslash escapes it. */
function upTo(closer: string, source: string): string | undefined {
  const within = source.slice(0, LONGEST);
  const first = closer === '$' ? 2 : 3;
  for (
    let at = within.indexOf(closer, first);
    at >= 0;
    at = within.indexOf(closer, at + 1)
  ) {
    let slashes = 0;
    while (within[at - 1 - slashes] === '\\') {
      slashes += 1;
    }
    if (slashes % 2 === 0) {
      return within.slice(0, at + closer.length);
    }
  }
  return undefined;
}

/** Whether what stands between two dollar signs is a formula, and not prices or names of variables. */
function isFormula(text: string, after: string): boolean {
  if (/\s$/.test(text) || /^[\d$]/.test(after)) {
    return false;
  }
  if (/^(?:[,;:!?)]|\.(?!\d))/.test(text)) {
    return false;
  }
  if (/^[A-Za-z]/.test(after) && /^[A-Za-z_]\w/.test(text)) {
    return false;
  }
  const isProse =
    /^\d/.test(text) &&
    !/[\\^_={}]/.test(text) &&
    /\b[A-Za-z]{2,}\b[^]*?[^A-Za-z\d][A-Za-z]{2,}\b/.test(text);
  return !isProse;
}

/** The beginning of a displayed formula at the end of a text that grows. */
function openIn(
  type: IFormulaToken['type'],
  source: string,
  growth: IGrowth
): IFormulaToken | undefined {
  const start = source.trimStart();
  const isOpen =
    growth.growing !== null &&
    source.length <= LONGEST &&
    (/^(?:\$\$|\\\[)/.test(start) || ENVIRONMENT.test(start)) &&
    growth.growing.endsWith(source.trimEnd());
  if (!isOpen) {
    return undefined;
  }
  growth.foundOpen = true;
  return token(type, source, { display: true, isOpen: true });
}

function token(
  type: IFormulaToken['type'],
  raw: string,
  how: { display: boolean; isOpen: boolean }
): IFormulaToken {
  return { type, raw, source: raw.trim(), ...how };
}

/** The HTML that carries a formula through the sanitiser. */
export function carrierOf({ source, display, isOpen }: IFormula): string {
  const escaped = source
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
  const kind = isOpen ? 'open' : display ? 'display' : 'line';
  return `<var title="${kind}">${escaped}</var>`;
}
