/** What an edit changes: the old line and the new one, with what differs marked. */

import { attrs, el } from './elements';
import { count } from './formatting';
import { visibleNodes } from './visible';

/** Unchanged text further than this from the change is left out. */
const CONTEXT = 160;

/** Of changed text that is longer, only its two ends are shown, each this long. */
const END = 4000;

export interface IPart {
  text: string;
  changed: boolean;
}

/** Cut two texts into what they share and what differs between the first difference and the last. */
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
  // Numbers differ as a whole, and so do the two halves of a character.
  while (start > 0 && /[\d.\ud800-\udbff]/.test(before[start - 1])) {
    start -= 1;
  }
  while (end > 0 && /[\d.\udc00-\udfff]/.test(before[before.length - end])) {
    end -= 1;
  }
  return [parts(before, start, end), parts(after, start, end)];
}

function parts(text: string, start: number, end: number): IPart[] {
  const stop = text.length - end;
  return [
    { text: text.slice(0, start), changed: false },
    { text: text.slice(start, stop), changed: true },
    { text: text.slice(stop), changed: false }
  ].filter(part => part.text !== '');
}

/** The two lines as elements. */
export function difference(before: string, after: string): HTMLElement[] {
  const [was, now] = compare(before, after);
  return [
    line('llm-old', '−', 'was', was, 'del'),
    line('llm-new', '+', 'now', now, 'ins')
  ];
}

function line(
  className: string,
  sign: string,
  label: string,
  found: IPart[],
  mark: 'del' | 'ins'
): HTMLElement {
  const text = el('span');
  found.forEach((part, at) => {
    if (part.changed) {
      text.append(...changedNodes(part.text, mark));
    } else {
      text.append(...visibleNodes(shortened(part.text, at === 0)));
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

function shortened(text: string, isStart: boolean): string {
  if (text.length <= CONTEXT * 2) {
    return text;
  }
  return isStart ? '…' + text.slice(-CONTEXT) : text.slice(0, CONTEXT) + '…';
}
