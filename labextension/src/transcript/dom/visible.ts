/**
 * Text as it is stored: characters that cannot be seen, or that change how
 * their neighbours are read, become `\u{…}`. `llm_notebook/transcript/visible.py`
 * does the same in Python.
 */

import { el } from './elements';
import { count, plural } from './formatting';

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
function segments(text: string): ISegment[] {
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

/** More boxes than this would hold the page; what is left is written out without them. */
const MOST_BOXES = 2000;

/** Of more equal hidden characters in a row than this, one is drawn, and their number. */
const MOST_EQUAL = 8;

/** The text as nodes, hidden characters in boxes. */
export function visibleNodes(text: string): Node[] {
  const nodes: Node[] = [];
  const found = segments(text);
  for (let at = 0; at < found.length;) {
    const { text: shown, hidden } = found[at];
    if (hidden === undefined) {
      nodes.push(document.createTextNode(shown));
      at += 1;
      continue;
    }
    if (nodes.length > MOST_BOXES) {
      const rest = found.slice(at).map(segment => segment.text);
      return [...nodes, document.createTextNode(rest.join(''))];
    }
    let equal = 1;
    while (found[at + equal]?.hidden === hidden) {
      equal += 1;
    }
    const isMany = equal > MOST_EQUAL;
    const box = el('bdi', 'llm-escape', shown);
    box.title = `${codeName(hidden)} ${describe(hidden)}`;
    if (isMany) {
      box.append(` × ${count(equal)}`);
    }
    nodes.push(box);
    at += isMany ? equal : 1;
  }
  return nodes;
}

/** A sentence about the hidden characters of a text that is drawn with them written out; empty where there are none. */
export function hiddenNote(text: string): string {
  const words = hiddenWords(text);
  const are = words.startsWith('1 ') ? 'it is' : 'they are';
  return words && `${words} Drawn here as ${are} stored.`;
}

/** What hidden characters a text has; empty where there are none. */
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
  const rest = others > 0 ? `, and ${plural(others, 'other kind')}` : '';
  const head = plural(total, 'hidden character');
  return `${head}: ${codeName(first)} ${effect(first)}${rest}.`;
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
