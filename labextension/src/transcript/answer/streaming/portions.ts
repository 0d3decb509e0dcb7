/** Divides what is to be drawn: a text into portions that are parsed, and their blocks into batches. */

import type { IBlock } from '../markdown/parser';

/** How many characters and lines are parsed at a time. Even one paragraph of that length is laid out quickly, in almost any script. */
const PORTION = 8192;
const PORTION_LINES = 400;

/** How many signs of Markdown are parsed at a time. Each may become an element, and one block is drawn and laid out at once. */
const PORTION_SIGNS = 1000;
const SIGN = /[|*_~`$[<\\]/g;

/**
 * How many letters of a script without spaces are parsed and laid out at a time:
 * Thai, Lao, Burmese and Khmer. A browser looks for their words in a dictionary.
 */
export const UNSPACED_AT_ONCE = 2000;
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]/g;

/** This many blocks, with about this many characters, are drawn together. */
const BATCH = 16;
const BATCH_CHARACTERS = 1000;

/** The end of the portion that begins here: after a line or a word, if there is one. */
export function portionEnd(source: string, start: number): number {
  // Nothing outside of this is looked at: the text may have no other line or sign.
  const text = source.slice(start, start + PORTION);
  let end = text.length;
  if (start + end < source.length) {
    end = endOfWord(text, end);
  }
  let at = 0;
  for (let lines = 0; lines < PORTION_LINES && at < end; lines += 1) {
    at = text.indexOf('\n', at) + 1 || end;
  }
  end = endOfMost(text, Math.min(at, end), SIGN, PORTION_SIGNS);
  return start + endOfMost(text, end, UNSPACED, UNSPACED_AT_ONCE);
}

/** How many letters of scripts without spaces a text has. */
export function unspacedIn(text: string): number {
  return text.match(UNSPACED)?.length ?? 0;
}

/** The end of a line or a word in the second half of the first so many characters; without one, of the last whole character. */
function endOfWord(text: string, most: number): number {
  const half = most / 2;
  const line = text.lastIndexOf('\n', most - 1);
  const word = text.lastIndexOf(' ', most - 1);
  const isPair = /[\ud800-\udbff]/.test(text[most - 1]);
  return line > half
    ? line + 1
    : word > half
      ? word + 1
      : most - Number(isPair);
}

/** The end of the part before `end` that has no more of these characters than are parsed at a time: before the line, word or character that would be too much. */
function endOfMost(
  text: string,
  end: number,
  character: RegExp,
  most: number
): number {
  character.lastIndex = 0;
  for (let count = 0; count < most; count += 1) {
    if (!character.test(text) || character.lastIndex > end) {
      return end;
    }
  }
  const last = character.lastIndex;
  const word = endOfWord(text, last);
  return word === last ? last - 1 : word;
}

/** The next blocks to draw together. */
export function batchOf(blocks: IBlock[], from: number): IBlock[] {
  let to = from;
  let length = 0;
  do {
    length += blocks[to].raw.length;
    to += 1;
  } while (
    to < blocks.length &&
    to - from < BATCH &&
    length + blocks[to].raw.length <= BATCH_CHARACTERS
  );
  return blocks.slice(from, to);
}

/** The element with the last line of an answer, however deep that is nested. */
export function lastLineIn(answer: Element): Element {
  let line = answer;
  while (
    line.lastElementChild &&
    /^(?:P|UL|OL|LI|BLOCKQUOTE|H[1-4]|DIV|PRE|CODE|TABLE|TBODY|TR|TD)$/.test(
      line.lastElementChild.tagName
    ) &&
    !line.classList.contains('llm-block-bar')
  ) {
    line = line.lastElementChild;
  }
  return line;
}
