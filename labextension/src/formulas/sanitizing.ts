/**
 * Sanitizes MathML by copying only what a formula needs.
 *
 * The markup is parsed in a document without a window, where nothing is fetched
 * or run, and is built anew from the lists below. An element that is not on
 * them refuses the whole formula, because the rest could mean something else.
 * Links, identifiers, handlers and addresses are on none of the lists, and
 * lengths are bounded, so that no formula can cover what stands around it.
 */

const NAMESPACE = 'http://www.w3.org/1998/Math/MathML';

const ELEMENTS = new Set(
  (
    'math mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle mpadded mphantom ' +
    'msub msup msubsup munder mover munderover mmultiscripts mprescripts none ' +
    'mtable mtr mtd menclose'
  ).split(' ')
);

const ATTRIBUTES = new Set(
  (
    'display displaystyle scriptlevel form fence separator stretchy symmetric largeop movablelimits accent accentunder ' +
    'lspace rspace minsize maxsize linethickness width height depth voffset mathvariant mathsize mathcolor mathbackground ' +
    'columnalign rowalign columnspan rowspan notation'
  ).split(' ')
);

const STYLES = new Set(
  (
    'display text-align vertical-align math-style math-depth math-shift color background-color font-size font-weight font-family ' +
    'width min-width height padding padding-top padding-right padding-bottom padding-left ' +
    'margin margin-top margin-right margin-bottom margin-left ' +
    'border border-top border-right border-bottom border-left border-width border-style border-color'
  ).split(' ')
);

/** Classes of the library for which our style sheet has rules. */
const CLASS =
  /^(?:(?:tml|chr)-[a-z0-9-]+|math(?:cal|scr)|menclose|upstrike|downstrike|sout|longdiv-(?:top|arc)|phasor-(?:bottom|angle)|circle-pad|textcircle|actuarial)$/;

/** Words, numbers with units and colours: no brackets, so no `url()`, and no quotes. */
const VALUE = /^[\w#.%+\- ]{0,100}$/;

/** The largest length in each unit. A length in another unit is dropped. */
const LARGEST: Record<string, number> = {
  '': 100,
  '%': 100,
  em: 50,
  ex: 100,
  pt: 500,
  px: 500,
  mm: 150,
  cm: 15,
  in: 6,
  pc: 40
};
const LENGTH = /(?<![\w#.])[-+]?(\d*\.?\d+)([a-z]*|%)/gi;

const DEEPEST = 100;
const MOST = 5000;

/** The formula in this markup; null if it is too large or holds anything that a formula does not need. */
export function sanitize(markup: string): Element | null {
  const parsed = new DOMParser().parseFromString(markup, 'text/html');
  const formula = parsed.body.firstElementChild;
  if (
    formula?.localName !== 'math' ||
    parsed.body.childNodes.length !== 1 ||
    formula.querySelectorAll('*').length > MOST
  ) {
    return null;
  }
  return copy(formula, 0);
}

function copy(from: Element, depth: number): Element | null {
  const isKnown =
    ELEMENTS.has(from.localName) && from.namespaceURI === NAMESPACE;
  if (!isKnown || depth > DEEPEST) {
    return null;
  }
  const to = document.createElementNS(NAMESPACE, from.localName);
  copyAttributes(from, to);
  for (const child of Array.from(from.childNodes)) {
    if (child.nodeType === Node.TEXT_NODE) {
      // A sign and a stroke through it become one character, which fonts have.
      to.append((child.textContent ?? '').normalize('NFC'));
    } else if (!isEmptySpan(child)) {
      const copied = copy(child as Element, depth + 1);
      if (!copied) {
        return null;
      }
      to.append(copied);
    }
  }
  return to;
}

/** Whether a node is the placeholder of an equation number. JupyterLab does not number formulas. */
function isEmptySpan(node: Node): boolean {
  return node.nodeName === 'SPAN' && !node.hasChildNodes();
}

function copyAttributes(from: Element, to: Element): void {
  for (const { name, value } of Array.from(from.attributes)) {
    if (ATTRIBUTES.has(name) && isBounded(value)) {
      to.setAttribute(name, value);
    }
  }
  const classes = Array.from(from.classList).filter(name => CLASS.test(name));
  if (classes.length) {
    to.setAttribute('class', classes.join(' '));
  }
  const style = harmlessStyle(from.getAttribute('style') ?? '');
  if (style) {
    to.setAttribute('style', style);
  }
}

function harmlessStyle(style: string): string {
  return style
    .split(';')
    .map(rule => rule.split(':').map(part => part.trim()))
    .filter(
      ([name, value, ...rest]) =>
        STYLES.has(name) && value && !rest.length && isBounded(value)
    )
    .map(([name, value]) => `${name}:${value};`)
    .join('');
}

function isBounded(value: string): boolean {
  return (
    VALUE.test(value) &&
    Array.from(value.matchAll(LENGTH)).every(
      ([, size, unit]) => Number(size) <= (LARGEST[unit.toLowerCase()] ?? 0)
    )
  );
}
