/**
 * Text as it is stored: characters that cannot be seen, or that change how
 * their neighbours are read, become `\u{…}`. `llm_notebook/transcript/visible.py`
 * does the same in Python.
 */

import { el } from './elements';

/** Everything of these categories but newline, tab and the ordinary space, and what is drawn as nothing. */
const HIDDEN =
  // eslint-disable-next-line no-misleading-character-class
  /(?![\n\t ])[\p{C}\p{Z}\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180b-\u180d\u180f\u2800\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u{1d159}]/gu;

export interface ISegment {
  text: string;
  /** The code point, where the text stands for a hidden character. */
  hidden?: number;
}

/** Cut a text into runs of plain characters and single hidden ones. */
export function segments(text: string): ISegment[] {
  const found: ISegment[] = [];
  let at = 0;
  for (const match of text.matchAll(HIDDEN)) {
    const start = match.index ?? 0;
    if (start > at) {
      found.push({ text: text.slice(at, start) });
    }
    const code = match[0].codePointAt(0) ?? 0;
    found.push({ text: `\\u{${code.toString(16)}}`, hidden: code });
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

/** The text as nodes, each hidden character in a box of its own. */
export function visibleNodes(text: string): Node[] {
  return segments(text).map(segment => {
    if (segment.hidden === undefined) {
      return document.createTextNode(segment.text);
    }
    const box = el('bdi', 'llm-escape', segment.text);
    box.title = `${codeName(segment.hidden)} ${describe(segment.hidden)}`;
    return box;
  });
}

/** A sentence about the hidden characters of a text; empty where there are none. */
export function hiddenNote(text: string): string {
  const codes = segments(text).flatMap(segment => segment.hidden ?? []);
  if (codes.length === 0) {
    return '';
  }
  const kinds = [...new Set(codes)];
  const first = `${codeName(kinds[0])} ${effect(kinds[0])}`;
  const rest = kinds.length > 1 ? `, and ${kinds.length - 1} other kinds` : '';
  const head =
    codes.length === 1
      ? '1 hidden character'
      : `${codes.length} hidden characters`;
  const tail =
    codes.length === 1
      ? 'Drawn here as it is stored.'
      : 'Drawn here as they are stored.';
  return `${head}: ${first}${rest}. ${tail}`;
}

function codeName(code: number): string {
  return 'U+' + code.toString(16).toUpperCase().padStart(4, '0');
}

const NAMES: Record<number, string> = {
  0x00a0: 'no-break space',
  0x00ad: 'soft hyphen',
  0x061c: 'Arabic letter mark',
  0x200b: 'zero-width space',
  0x200c: 'zero-width non-joiner',
  0x200d: 'zero-width joiner',
  0x200e: 'left-to-right mark',
  0x200f: 'right-to-left mark',
  0x202a: 'left-to-right embedding',
  0x202b: 'right-to-left embedding',
  0x202c: 'end of embedding',
  0x202d: 'left-to-right override',
  0x202e: 'right-to-left override',
  0x2066: 'left-to-right isolate',
  0x2067: 'right-to-left isolate',
  0x2068: 'first strong isolate',
  0x2069: 'end of isolate',
  0xfeff: 'zero-width no-break space',
  0x1b: 'escape',
  0x0d: 'carriage return'
};

function describe(code: number): string {
  if (NAMES[code]) {
    return NAMES[code];
  }
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
    return 'control character';
  }
  if (code >= 0xe0000 && code <= 0xe0fff) {
    return 'invisible tag';
  }
  return 'invisible character';
}

function effect(code: number): string {
  if (code === 0x202e || code === 0x202b || code === 0x2067) {
    return 'reverses the text after it';
  }
  if (
    (code >= 0x202a && code <= 0x202d) ||
    (code >= 0x2066 && code <= 0x2069)
  ) {
    return 'changes the direction of the text after it';
  }
  return `(${describe(code)}) cannot be seen`;
}
