/**
 * Writes out hidden characters, so that what a human reads is what is stored.
 *
 * A model or a tool can put characters into a text that are invisible, or that
 * change the order in which their neighbours are read: `Q3 \u{202e}fdp.exe` is
 * displayed as if it ended in "pdf". In every text that comes from outside, such
 * characters become `\u{…}`. On the page each one stands in a box of its own, so
 * that it differs from the same letters written by the model. So do line breaks in
 * names, and the marks of a letter beyond the fourth, which would pile up over
 * other lines and cannot wrap. In a word whose letters come from several scripts,
 * such as a Latin word with a Cyrillic letter, the foreign letters are marked.
 * `llm_notebook/transcript/visible.py` does the same in Python.
 */

import { el } from './elements';
import { count } from './formatting';
import { mixedWords, mixedWordsNote } from './scripts';
import type { IMixedWord } from './scripts';
import { trans } from './translation';

/** All control, format and space characters but newline, tab and the ordinary space, letters that fonts draw as nothing, and a letter's marks after the fourth. */
const HIDDEN =
  // eslint-disable-next-line no-misleading-character-class -- each of these characters is meant by itself
  /(?![\n\t ])(?:[\p{C}\p{Z}\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180b-\u180d\u180f\u2800\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u{1d159}]|(?<=\p{M}{4})\p{M})/gu;

/** The same with the characters that would break a name into lines. */
// eslint-disable-next-line no-misleading-character-class -- each of these characters is meant by itself
const HIDDEN_IN_NAME = new RegExp(`[\\n\\t]|${HIDDEN.source}`, 'gu');

/** How a character is written out in a name. */
const IN_NAME: Record<string, string> = { '\n': '\\n', '\t': '\\t' };

/** A part of a text: plain characters, or one hidden character written out. */
export interface ISegment {
  text: string;
  /** The code point of the hidden character that the text stands for. */
  hidden?: number;
}

/** The runs of plain characters and the single hidden characters of a text, in order. */
function segments(text: string, hiddenOnes = HIDDEN): ISegment[] {
  const found: ISegment[] = [];
  let at = 0;
  for (const match of text.matchAll(hiddenOnes)) {
    const start = match.index ?? 0;
    if (start > at) {
      found.push({ text: text.slice(at, start) });
    }
    const code = match[0].codePointAt(0) ?? 0;
    const shown = IN_NAME[match[0]] ?? `\\u{${code.toString(16)}}`;
    found.push({ text: shown, hidden: code });
    at = start + match[0].length;
  }
  if (at < text.length) {
    found.push({ text: text.slice(at) });
  }
  return found;
}

/** The text with its hidden characters written out. */
export function visible(text: string): string {
  return segments(text)
    .map(segment => segment.text)
    .join('');
}

/** A name on one line: its line breaks and tabs are written out too. */
export function visibleName(name: string): string {
  return segments(name, HIDDEN_IN_NAME)
    .map(segment => segment.text)
    .join('');
}

/** More boxes than this would make the page slow; the rest is written out without boxes. */
const MAX_BOXES = 2000;

/** A longer run of the same hidden character is drawn as one box with a count. */
const MAX_REPEATS = 8;

/** The text as nodes, with hidden characters in boxes and words of several scripts marked. */
export function visibleNodes(text: string): Node[] {
  return nodesOf(segments(text));
}

/** A name as nodes, on one line. */
export function nameNodes(name: string): Node[] {
  return nodesOf(segments(name, HIDDEN_IN_NAME));
}

/** The box that stands for a hidden character. */
export function hiddenBox(
  code: number,
  shown = `\\u{${code.toString(16)}}`
): HTMLElement {
  const box = el('bdi', 'llm-escape', shown);
  box.title = `${codeName(code)} ${nameOf(code)}`;
  box.dataset.hidden = code.toString(16);
  return box;
}

function nodesOf(found: ISegment[]): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < found.length;) {
    const { text: shown, hidden } = found[at];
    if (hidden === undefined) {
      nodes.push(...markedNodes(shown, mixedWords(shown)));
      at += 1;
      continue;
    }
    if (nodes.length > MAX_BOXES) {
      const rest = found.slice(at).map(segment => segment.text);
      return [...nodes, document.createTextNode(rest.join(''))];
    }
    let repeats = 1;
    while (found[at + repeats]?.hidden === hidden) {
      repeats += 1;
    }
    const isLongRun = repeats > MAX_REPEATS;
    const box = hiddenBox(hidden, shown);
    if (isLongRun) {
      box.dataset.times = String(repeats);
      box.append(` × ${count(repeats)}`);
    }
    nodes.push(box);
    at += isLongRun ? repeats : 1;
  }
  return nodes;
}

/** The text as nodes, with the foreign letters of these words marked. */
function markedNodes(text: string, words: IMixedWord[]): Node[] {
  const nodes: Node[] = [];
  let at = 0;
  const plain = (end: number): Node =>
    document.createTextNode(text.slice(at, end));
  for (const { start, end, foreign } of words.slice(0, MAX_BOXES)) {
    if (start > at) {
      nodes.push(plain(start));
    }
    at = start;
    const word = el('span', 'llm-mixed');
    for (const { at: from, letter } of foreign) {
      word.append(plain(from), el('b', '', letter));
      at = from + letter.length;
    }
    word.append(plain(end));
    nodes.push(word);
    at = end;
  }
  return at < text.length ? [...nodes, plain(text.length)] : nodes;
}

/** How many hidden characters a text has. */
export function countHidden(text: string): number {
  return text.match(HIDDEN)?.length ?? 0;
}

/** The text without its hidden characters. */
export function withoutHidden(text: string): string {
  return text.replace(HIDDEN, '');
}

/** A JSON text in which hidden characters are written as escapes, as JSON has them for strings. */
export function visibleJson(json: string): string {
  return json.replace(HIDDEN, character =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
    ).join('')
  );
}

/** A note under a text in which something is drawn otherwise than a font would; empty if nothing is. */
export function hiddenNote(text: string): string {
  const words = hiddenWords(text);
  const drawn =
    words &&
    `${words} ${
      countHidden(text) === 1
        ? trans.__('Drawn here as it is stored.')
        : trans.__('Drawn here as they are stored.')
    }`;
  return [drawn, mixedWordsNote(text)].filter(Boolean).join(' ');
}

/** A note under a name that is not what it seems; empty if it is. */
export function nameNote(name: string): string {
  const breaks = /[\n\t]/.test(name)
    ? name.includes('\n')
      ? trans.__('The name of this argument holds a line break, U+000A.')
      : trans.__('The name of this argument holds a tab, U+0009.')
    : '';
  return [breaks, hiddenNote(name)].filter(Boolean).join(' ');
}

/** A sentence that counts the hidden characters of a text and names the first kind; empty if it has none. */
export function hiddenWords(text: string): string {
  let total = 0;
  const kinds = new Set<number>();
  for (const [found] of text.matchAll(HIDDEN)) {
    total += 1;
    kinds.add(found.codePointAt(0) ?? 0);
  }
  if (total === 0) {
    return '';
  }
  const [first] = kinds;
  const others = kinds.size - 1;
  const head = trans._n(
    '%2 hidden character',
    '%2 hidden characters',
    total,
    count(total)
  );
  const kind = `${codeName(first)} ${effectOf(first)}`;
  return others > 0
    ? trans._n(
        '%2: %3, and %1 other kind.',
        '%2: %3, and %1 other kinds.',
        others,
        head,
        kind
      )
    : trans.__('%1: %2.', head, kind);
}

function codeName(code: number): string {
  return 'U+' + code.toString(16).toUpperCase().padStart(4, '0');
}

const namesByCode = (): Record<number, string> => ({
  0x00a0: trans.__('no-break space'),
  0x00ad: trans.__('soft hyphen'),
  0x061c: trans.__('Arabic letter mark'),
  0x200b: trans.__('zero-width space'),
  0x200c: trans.__('zero-width non-joiner'),
  0x200d: trans.__('zero-width joiner'),
  0x200e: trans.__('left-to-right mark'),
  0x200f: trans.__('right-to-left mark'),
  0x202a: trans.__('left-to-right embedding'),
  0x202b: trans.__('right-to-left embedding'),
  0x202c: trans.__('end of embedding'),
  0x202d: trans.__('left-to-right override'),
  0x202e: trans.__('right-to-left override'),
  0x2066: trans.__('left-to-right isolate'),
  0x2067: trans.__('right-to-left isolate'),
  0x2068: trans.__('first strong isolate'),
  0x2069: trans.__('end of isolate'),
  0xfeff: trans.__('zero-width no-break space'),
  0x1b: trans.__('escape'),
  0x0a: trans.__('line break'),
  0x09: trans.__('tab'),
  0x0d: trans.__('carriage return')
});

function nameOf(code: number): string {
  const known = namesByCode()[code];
  if (known) {
    return known;
  }
  if (isMark(code)) {
    return trans.__('combining mark');
  }
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
    return trans.__('control character');
  }
  if (code >= 0xe0000 && code <= 0xe0fff) {
    return trans.__('invisible tag');
  }
  return trans.__('invisible character');
}

const isMark = (code: number): boolean =>
  /\p{M}/u.test(String.fromCodePoint(code));

/** What a hidden character does, to follow its code. */
function effectOf(code: number): string {
  if (code === 0x202e || code === 0x202b || code === 0x2067) {
    return trans.__('reverses the text after it');
  }
  if (
    (code >= 0x202a && code <= 0x202d) ||
    (code >= 0x2066 && code <= 0x2069)
  ) {
    return trans.__('changes the direction of the text after it');
  }
  return isMark(code)
    ? trans.__('piles up on one letter')
    : trans.__('(%1) cannot be seen', nameOf(code));
}
