/** Shows what an edit changes: the old line and the new line, with the part that differs marked. */

import { attrs, el } from './elements';
import { count } from './formatting';
import { visibleNodes } from './visible';

/** How many unchanged characters are shown on either side of a change. */
const CONTEXT = 160;

/** How many characters are shown of each end of a change that is too long to show as a whole. */
const END = 4000;

export interface IPart {
  text: string;
  changed: boolean;
}

/**
 * Cut two texts into the beginning and the end that they share and the part in
 * between that differs. Linear in their length, however long they are.
 */
export function compare(before: string, after: string): [IPart[], IPart[]] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) {
    start += 1;
  }
  let end = 0;
  while (
    end < shorter - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) {
    end += 1;
  }
  // A number is marked as a whole, and a surrogate pair is never split.
  while (start > 0 && /[\d.\ud800-\udbff]/.test(before[start - 1])) {
    start -= 1;
  }
  while (end > 0 && /[\d.\udc00-\udfff]/.test(before[before.length - end])) {
    end -= 1;
  }
  return [partsOf(before, start, end), partsOf(after, start, end)];
}

function partsOf(text: string, start: number, end: number): IPart[] {
  const stop = text.length - end;
  return [
    { text: text.slice(0, start), changed: false },
    { text: text.slice(start, stop), changed: true },
    { text: text.slice(stop), changed: false }
  ].filter(part => part.text !== '');
}

/** The old and the new line as elements. */
export function difference(before: string, after: string): HTMLElement[] {
  const [was, now] = compare(before, after);
  return [
    diffLine('llm-old', '−', 'was', was, 'del'),
    diffLine('llm-new', '+', 'now', now, 'ins')
  ];
}

function diffLine(
  className: string,
  sign: string,
  label: string,
  parts: IPart[],
  mark: 'del' | 'ins'
): HTMLElement {
  const text = el('span');
  parts.forEach((part, at) => {
    if (part.changed) {
      text.append(...changedNodes(part.text, mark));
    } else {
      text.append(...visibleNodes(shortenContext(part.text, at === 0)));
    }
  });
  return el(
    'div',
    `llm-diff-line ${className}`,
    attrs(el('span', '', sign), { 'aria-label': label }),
    text
  );
}

function changedNodes(text: string, mark: 'del' | 'ins'): Node[] {
  if (text.length <= END * 2) {
    return [el(mark, '', ...visibleNodes(text))];
  }
  const hidden = count(text.length - END * 2);
  return [
    el(mark, '', ...visibleNodes(text.slice(0, END))),
    el('span', 'llm-type', ` … ${hidden} characters … `),
    el(mark, '', ...visibleNodes(text.slice(-END)))
  ];
}

/** Keep the end of the text before a change, and the beginning of the text after it. */
function shortenContext(text: string, isStart: boolean): string {
  if (text.length <= CONTEXT * 2) {
    return text;
  }
  return isStart ? '…' + text.slice(-CONTEXT) : text.slice(0, CONTEXT) + '…';
}
