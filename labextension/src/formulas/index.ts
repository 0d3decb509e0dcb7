/**
 * Sets TeX as MathML. This module is large, so it is loaded when the first
 * formula appears.
 *
 * A formula comes from a model, which may write anything. So commands that
 * link, load, name or define are refused before the TeX is read, the library is
 * given bounds for size and expansion, and its output is copied by
 * `sanitizing.ts`, which knows what may be in it. A formula that is refused or
 * wrong is shown as its source by the caller.
 */

import temml from 'temml';

import type { ISetFormula } from '../transcript';
import { provideFont } from './font';
import { linearize } from './linearizing';
import { rewritten } from './rewriting';
import { sanitize } from './sanitizing';

/** The longest formula, in characters. The kernel has the same bound (`math.py`). */
const LONGEST = 4000;

/** How many elements a formula may have: it is laid out at once. */
const MOST_ELEMENTS = 1500;

const BOUNDS = {
  trust: false,
  /** How many macros a formula may expand. */
  maxExpand: 200,
  /** The largest width and height of a length that is given, in em. */
  maxSize: [20, 50] as [number, number]
};

/** Commands that link, load, name elements, style, or define other commands. */
const REFUSED = new RegExp(
  '\\\\(?:' +
    'href|url|html\\w*|class|id|style|data|cssId|require|include\\w*|input|unicode|' +
    '[egx]?def|let|futurelet|global|long|(?:re)?newcommand|providecommand|(?:re)?newenvironment|' +
    'Declare\\w+|csname|endcsname|begingroup|endgroup|bgroup|egroup|catcode|expandafter|noexpand|char|' +
    'bbox|mml\\w*|toggle|mathtip|texttip|action|verb|(?:eq)?ref|definecolor|surd@\\w*' +
    ')(?![A-Za-z])|\\^\\^'
);

/**
 * Set a formula.
 *
 * @param tex - the formula without its delimiters
 * @param display - whether it stands by itself, with limits above and below
 * @returns the formula, or null if it is not to be set
 */
export function typeset(tex: string, display: boolean): ISetFormula | null {
  if (tex.length > LONGEST || REFUSED.test(tex)) {
    return null;
  }
  let markup: string;
  try {
    markup = temml.renderToString(rewritten(tex), {
      ...BOUNDS,
      displayMode: display,
      throwOnError: true
    });
  } catch {
    // The TeX is wrong, or nested so deeply that the stack overflows.
    return null;
  }
  if (markup.split('<m').length > MOST_ELEMENTS) {
    return null;
  }
  const math = sanitize(markup);
  if (!math) {
    return null;
  }
  spaceFunctions(math);
  provideFont();
  return { math, text: linearize(math) };
}

/** Keep the name of a function, as in `x_i \\log x`, away from a script or fraction before it, as the library does from letters. */
function spaceFunctions(math: Element): void {
  const rows = ':is(msub, msup, msubsup, mfrac, msqrt, mroot) + mrow';
  for (const row of Array.from(math.querySelectorAll(rows))) {
    const [name, sign] = Array.from(row.children);
    if (name?.localName === 'mi' && sign?.textContent === '\u2061') {
      row.setAttribute('style', 'padding-left:0.1667em;');
    }
  }
}
