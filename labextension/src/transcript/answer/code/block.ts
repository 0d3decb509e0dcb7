/**
 * Draws a block of code below a bar with its language, Copy and Insert below.
 *
 * Code is drawn in pieces. While it grows and is long, what is added has no
 * colours. When it is complete, colours come piece by piece, as the time allows.
 */

import { copyAndSay } from '../../dom/copying';
import { attrs, button, el, refill } from '../../dom/elements';
import type { Child } from '../../dom/elements';
import { limitMarks } from '../../dom/formatting';
import { icon } from '../../dom/icons';
import type { IHost } from '../../drawing/host';
import type { Slices } from '../../drawing/slices';
import { cutCode, highlight } from './highlight';
import { trans } from '../../dom/translation';

/** A block of code on the page, whose code can be replaced. */
export interface ICodeBlock {
  readonly node: HTMLElement;
  readonly code: string;
  /** Replace the code. `growing` says that more of it may come. */
  update(code: string, growing: boolean): void;
}

/** Code longer than this is not drawn again with each delta, but only when it is complete. */
const LONG = 4000;

/** This many characters are coloured at once, even if the time of the slice is over. */
const AT_ONCE = 1000;

/** Code that is longer than this has no colours. */
const LONGEST = 200_000;

/** The length of a part of long code, in characters. A new line moves only the lines of its own part. */
const PART = 8000;

/** Make a block of code. `isWanted` is asked later whether its nodes are still to be coloured. */
export function codeBlock(
  source: string,
  language: string,
  host: () => IHost,
  slices: Slices,
  isWanted: (node: Node) => boolean
): ICodeBlock {
  let code = '';
  /** How often the code was drawn. Only the latest drawing is finished. */
  let drawn = 0;
  /** Whether nothing was appended since the code was drawn with colours. */
  let isColoured = false;
  const text = el('code');
  const bar = makeBar(language, host, () => code);
  const node = attrs(
    el('div', 'llm-block', bar, attrs(el('pre', '', text), { tabindex: '0' })),
    {
      role: 'group',
      'aria-label': trans.__('%1 code', language || trans.__('Text'))
    }
  );
  const update = (next: string, growing: boolean): void => {
    const isMore = next.length > LONG && code && next.startsWith(code);
    if (isMore && next !== code) {
      appendParts(text, next.slice(code.length));
      isColoured = false;
    }
    const isFinal = !growing && !isColoured;
    if (isMore ? isFinal && next.length <= LONGEST : isFinal || next !== code) {
      const mine = (drawn += 1);
      draw(
        text,
        next,
        language,
        slices,
        node => mine === drawn && isWanted(node)
      );
      isColoured = true;
    }
    code = next;
  };
  update(source, true);
  return {
    node,
    get code() {
      return code;
    },
    update
  };
}

/** Make the bar above a block: its language, Copy, and Insert below where the page has a notebook. */
function makeBar(
  language: string,
  host: () => IHost,
  code: () => string
): HTMLElement {
  const copy = button('llm-plain', null, () =>
    copyAndSay(code(), host(), copy)
  );
  copy.append(icon('copy'), trans.__('Copy'));
  const bar = el(
    'div',
    'llm-block-bar',
    el('span', '', language || trans.__('text')),
    copy
  );
  if (host().insertBelow) {
    const insert = button('llm-plain', icon('insert'), () =>
      host().insertBelow?.(cellOf(code(), language))
    );
    insert.append(trans.__('Insert below'));
    bar.append(insert);
  }
  return bar;
}

/**
 * Draw code with colours: the first ones at once, the others when there is
 * time. Until then the code has no colours. One piece after another is
 * replaced, so that the page never has to lay out all of a long block again.
 */
function draw(
  text: HTMLElement,
  code: string,
  language: string,
  slices: Slices,
  isWanted: (node: Node) => boolean
): void {
  const whole = limitMarks(code);
  if (text.textContent !== whole) {
    refill(text);
    appendParts(text, code);
  }
  const pieces = code.length > LONGEST ? [] : cutCode(whole, language);
  const isLong = pieces.length > 1;
  let next: ChildNode | null = text.firstChild;
  const colour = (): void => {
    for (let [piece] = pieces; piece !== undefined; [piece] = pieces) {
      if (slices.isSpent && code.length > AT_ONCE) {
        slices.later(() => isWanted(text) && colour());
        return;
      }
      pieces.shift();
      const after = splitAt(next, piece.length);
      const coloured = highlight(piece, language);
      if (coloured) {
        for (let old = next; old && old !== after; old = next) {
          next = old.nextSibling;
          old.remove();
        }
        const nodes = isLong ? [partOf(...coloured)] : coloured;
        nodes.forEach(node => text.insertBefore(node, after));
      }
      next = after;
    }
  };
  colour();
}

/** Find the node that begins this many characters after the beginning of `first`. If there is none, a node is split. */
function splitAt(first: ChildNode | null, length: number): ChildNode | null {
  let node = first;
  for (let left = length; node && left > 0; node = node.nextSibling) {
    const own = node.textContent ?? '';
    if (own.length > left) {
      const rest = node.cloneNode(false) as ChildNode;
      rest.textContent = own.slice(left);
      node.textContent = own.slice(0, left);
      node.after(rest);
      [node, rest].forEach(part => isPart(part) && holdHeight(part));
    }
    left -= own.length;
  }
  return node;
}

/** A part of long code. */
function partOf(...children: Child[]): HTMLElement {
  const part = el('span', 'llm-lines', ...children);
  holdHeight(part);
  return part;
}

const isPart = (node: Node | null): node is HTMLElement =>
  node instanceof HTMLElement && node.className === 'llm-lines';

/** Let a part be as high as its lines while the browser does not lay it out, because it is far from what the reader sees. */
function holdHeight(part: HTMLElement): void {
  const lines = (part.textContent ?? '').replace(/\n$/, '').split('\n');
  part.style.setProperty('--llm-lines', String(lines.length));
}

/** Append code without colours, beginning a new part after a line where the last one is long enough. */
function appendParts(text: HTMLElement, code: string): void {
  for (let at = 0; at < code.length;) {
    const part = lastPart(text);
    const end = endOfPart(code, at, part.textContent ?? '');
    if (end > at) {
      const piece = limitMarks(code.slice(at, end));
      part.appendChild(document.createTextNode(piece));
      holdHeight(part);
      at = end;
    } else {
      text.appendChild(partOf());
    }
  }
}

/** The part that code is appended to. What is in none becomes one. */
function lastPart(text: HTMLElement): HTMLElement {
  const { lastChild } = text;
  if (isPart(lastChild)) {
    return lastChild;
  }
  const part = partOf(...Array.from(text.childNodes));
  text.appendChild(part);
  return part;
}

/** How much of the code from `at` on belongs to a part that holds this: to the end of a line, unless that is very long. */
function endOfPart(code: string, at: number, held: string): number {
  const room = PART - held.length;
  if (room <= 0 && held.endsWith('\n')) {
    return at;
  }
  const most = Math.max(at, at + room + PART);
  const line = code.slice(at, most).indexOf('\n', Math.max(0, room - 1));
  if (line >= 0) {
    return at + line + 1;
  }
  // No character is split, nor a letter from its marks.
  let end = Math.min(most, code.length);
  while (/^[\p{M}\u200d\udc00-\udfff]/u.test(code.slice(end, end + 2))) {
    end += 1;
  }
  return end;
}

/** What a cell must hold to run this code. */
function cellOf(code: string, language: string): string {
  const isShell = /^(?:bash|sh|shell|zsh)$/i.test(language);
  return isShell && !/^\s*[%!]/.test(code) ? `%%bash\n${code}` : code;
}
