/** Shows what an edit changes: the old line and the new line, with the part that differs marked. */

import { attrs, el } from './elements';
import { count } from './formatting';
import { nameNodes, visibleNodes } from './visible';
import { trans } from './translation';

/** How many unchanged characters are shown on either side of a change. */
const CONTEXT = 160;

/** How many characters are shown of each end of a change that is too long to show as a whole. */
const END = 4000;

/** A part of a text, which the other text may lack. */
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
  // A number is marked as a whole, and neither a surrogate pair nor a letter and its marks are ever split.
  const splits = (): boolean =>
    /[\d.\ud800-\udbff]/.test(before[start - 1]) ||
    /^\p{M}/u.test(before.slice(start, start + 2)) ||
    /^\p{M}/u.test(after.slice(start, start + 2));
  while (start > 0 && splits()) {
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

/** The old and the new line as elements. What is null is not given at all, which is not the same as an empty text. */
export function difference(
  before: string | null,
  after: string | null
): HTMLElement[] {
  const [was, now] = compare(before ?? '', after ?? '');
  return [
    diffLine(
      'llm-old',
      '−',
      trans.__('was'),
      before === null ? null : was,
      'del'
    ),
    diffLine(
      'llm-new',
      '+',
      trans.__('now'),
      after === null ? null : now,
      'ins'
    )
  ];
}

function diffLine(
  className: string,
  sign: string,
  label: string,
  parts: IPart[] | null,
  mark: 'del' | 'ins'
): HTMLElement {
  const text = el('span');
  if (!parts?.length) {
    text.append(
      el('span', 'llm-type', parts ? trans.__('empty') : trans.__('not given'))
    );
  }
  parts?.forEach((part, at) => {
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
    return [el(mark, '', ...changedText(text))];
  }
  const hidden = count(text.length - END * 2);
  return [
    el(mark, '', ...changedText(text.slice(0, END))),
    el('span', 'llm-type', ` ${trans.__('… %1 characters …', hidden)} `),
    el(mark, '', ...changedText(text.slice(-END)))
  ];
}

/** A changed text, with its line breaks and tabs drawn: they may be all that has changed. */
function changedText(text: string): Node[] {
  return text
    .split(/([\n\t])/)
    .flatMap(part =>
      part === '\n' || part === '\t'
        ? [...nameNodes(part), document.createTextNode(part)]
        : visibleNodes(part)
    );
}

/** Keep the end of the text before a change, and the beginning of the text after it. */
function shortenContext(text: string, isStart: boolean): string {
  if (text.length <= CONTEXT * 2) {
    return text;
  }
  return isStart ? '…' + text.slice(-CONTEXT) : text.slice(0, CONTEXT) + '…';
}
