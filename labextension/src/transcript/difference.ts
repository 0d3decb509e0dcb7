/** What an edit changes: the old line and the new one, with what differs marked. */

import { attrs, el } from './elements';
import { visibleNodes } from './visible';

/** Unchanged text further than this from the change is left out. */
const CONTEXT = 160;

export interface IPart {
  text: string;
  changed: boolean;
}

/** Cut two texts into what they share and what differs between the first difference and the last. */
export function compare(before: string, after: string): [IPart[], IPart[]] {
  const a = Array.from(before.slice(0, 20_000));
  const b = Array.from(after.slice(0, 20_000));
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) {
    start += 1;
  }
  let end = 0;
  while (
    end < a.length - start &&
    end < b.length - start &&
    a[a.length - 1 - end] === b[b.length - 1 - end]
  ) {
    end += 1;
  }
  while (start > 0 && isDigit(a[start - 1])) {
    start -= 1;
  }
  while (end > 0 && isDigit(a[a.length - end])) {
    end -= 1;
  }
  return [parts(a, start, end), parts(b, start, end)];
}

/** Numbers differ as a whole. */
function isDigit(character: string): boolean {
  return /[\d.]/.test(character);
}

function parts(text: string[], start: number, end: number): IPart[] {
  const stop = text.length - end;
  return [
    { text: text.slice(0, start).join(''), changed: false },
    { text: text.slice(start, stop).join(''), changed: true },
    { text: text.slice(stop).join(''), changed: false }
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
      text.append(el(mark, '', ...visibleNodes(part.text)));
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

function shortened(text: string, isStart: boolean): string {
  if (text.length <= CONTEXT * 2) {
    return text;
  }
  return isStart ? '…' + text.slice(-CONTEXT) : text.slice(0, CONTEXT) + '…';
}
