/**
 * Writes a formula on one line, with `/`, `^`, `_` and `√`. A reader who copies
 * a sentence gets this line for its formula, because the characters of MathML
 * alone, each on its own line, say nothing about their positions.
 */

/** The formula as one line of text. */
export function linearize(node: Element): string {
  const [first, second, third] = Array.from(node.children, linearize);
  switch (node.localName) {
    case 'mfrac':
      return /^0/.test(node.getAttribute('linethickness') ?? '')
        ? `${grouped(first)}¦${grouped(second)}`
        : `${grouped(first)}/${grouped(second)}`;
    case 'msqrt':
      return `√${grouped(joined(node))}`;
    case 'mroot':
      return `${second}√${grouped(first)}`;
    case 'msup':
    case 'mover':
      return first + raised(second);
    case 'msub':
    case 'munder':
      return `${first}_${grouped(second)}`;
    case 'msubsup':
    case 'munderover':
      return `${first}_${grouped(second)}${raised(third)}`;
    case 'mtable':
      return Array.from(node.children, linearize).join('; ');
    case 'mtr':
      return Array.from(node.children, linearize).filter(Boolean).join(' ');
    case 'mspace':
      return parseFloat(node.getAttribute('width') ?? '') > 0.2 ? ' ' : '';
    case 'mphantom':
      return '';
    default:
      return node.children.length ? joined(node) : signs(node);
  }
}

function joined(node: Element): string {
  return Array.from(node.children, linearize).join('');
}

/** The characters of a node, without the invisible operators between them. */
function signs(node: Element): string {
  return (node.textContent ?? '').replace(/[\u2061-\u2064]/g, '');
}

function raised(text: string): string {
  return /^[′″‴⁗]+$/.test(text) ? text : `^${grouped(text)}`;
}

/** A term in brackets, unless it is one number or name. */
function grouped(text: string): string {
  return /^(?:[\p{L}\p{N}.]*|.)$/u.test(text) ? text : `(${text})`;
}
