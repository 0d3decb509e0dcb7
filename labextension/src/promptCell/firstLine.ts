/**
 * Reads the line of `%%llm` and `%llm`: the magic, its options with their
 * values, and where the prompt begins.
 *
 * Only the kernel decides how the line is parsed. Here the words are told apart
 * for their colours, so an unknown option is marked, counts as one without a
 * value, and nothing is ever refused.
 */

import { mayBecomeOption, OPTION_VALUES } from './options';

/** What a coloured word is; `wrong` is an option that there is not. */
export type TokenKind =
  'magic' | 'option' | 'wrong' | 'value' | 'variable' | 'string';

/** A coloured piece, as offsets from the beginning of the cell. */
export interface IToken {
  from: number;
  to: number;
  kind: TokenKind;
}

/** The options of a prompt. */
export interface IFirstLine {
  tokens: IToken[];
  /** Where the options end and the prompt may begin. */
  end: number;
  /** Whether `{{ expression }}` is sent as it is. */
  isRaw: boolean;
}

const CELL_MAGIC = /^(?:[^\S\n]*\n)*[^\S\n]*(%%llm)(?=\s|$)/;
const LINE_MAGIC =
  /^[^\S\n]*(?:[\w.,()[\]][\w.,()[\] ]*=[^\S\n]*)?(%llm)(?=\s|$)/;
// A backslash at the end of a line continues it, unless it is itself escaped. Spaces after it do not count, because nobody sees them.
const CONTINUED = /(?<!\\)(?:\\\\)*\\[^\S\n]*$/;
// Phones and word processors turn hyphens into other dashes.
const OPTION = /[-\u2010-\u2015\u2212\uff0d]{1,2}\p{L}[^\s=]*/uy;
const QUOTED = /"(?:[^"\\]|\\[^])*"?|'[^']*'?|“[^”]*”?|‘[^’]*’?/y;
const WORD = /\S+/y;
const SPACE = /(?:\s|\\\n)+/y;

/**
 * Find the lines that hold the options of a prompt cell.
 *
 * @returns where `%%llm` begins and where its line ends, with the lines that
 *   continue it; null if the cell is no prompt.
 */
export function headOf(source: string): { from: number; to: number } | null {
  const magic = CELL_MAGIC.exec(source);
  if (magic === null) {
    return null;
  }
  const from = magic[0].length - magic[1].length;
  return { from, to: endOfLine(source, from) };
}

/** Whether a line of options goes on in the next one. */
export function isContinued(line: string): boolean {
  return CONTINUED.test(line);
}

/** Find `%llm` in a line of Python. Returns its offset, or -1. */
export function lineMagicIn(line: string): number {
  const magic = LINE_MAGIC.exec(line);
  return magic === null ? -1 : magic[0].length - magic[1].length;
}

function endOfLine(source: string, from: number): number {
  for (let start = from; ;) {
    const newline = source.indexOf('\n', start);
    if (newline < 0) {
      return source.length;
    }
    if (!isContinued(source.slice(start, newline))) {
      return newline;
    }
    start = newline + 1;
  }
}

/**
 * Tell the words of an option line apart.
 *
 * @param line the text from `%%llm` or `%llm` to the end of the line.
 * @param start the offset of that text in the cell.
 */
export function readFirstLine(line: string, start = 0): IFirstLine {
  const reader = new Reader(line, start);
  reader.take(/%{1,2}llm/y, 'magic');
  let isRaw = false;
  let end = reader.position;
  while (reader.skip(SPACE) && reader.peek(OPTION) !== '') {
    const name = takeOption(reader);
    isRaw ||= name === '--raw';
    (OPTION_VALUES.get(name) ?? []).forEach((kind, index) => {
      if (index > 0 || !reader.skip(/=/y)) {
        reader.skip(SPACE);
      }
      if (reader.take(QUOTED, 'string') === '') {
        reader.take(WORD, kind === 'variable' ? 'variable' : 'value');
      }
    });
    end = reader.position;
  }
  return { tokens: reader.tokens, end: start + end, isRaw };
}

/** Read past an option. Returns its name, or that of the last one if several are joined, as in `-cu`. */
function takeOption(reader: Reader): string {
  const word = reader.peek(OPTION);
  const name = plain(word);
  const isJoined = /^-\p{L}./u.test(word) && !OPTION_VALUES.has(word);
  if (!isJoined) {
    const isBeingTyped = reader.isLast(word) && mayBecomeOption(name);
    const isRight = OPTION_VALUES.has(name) || isBeingTyped;
    reader.take(OPTION, isRight ? 'option' : 'wrong');
    return name;
  }
  const letters = [...word.slice(1)];
  // The value of an option may follow its letter directly, as in `-mgpt-5`.
  const last = letters.findIndex(
    letter => OPTION_VALUES.get(`-${letter}`)?.length !== 0
  );
  const option = `-${letters[last] ?? ''}`;
  if (last >= 0 && !OPTION_VALUES.has(option)) {
    reader.take(OPTION, 'wrong');
    return word;
  }
  const length =
    last < 0 ? word.length : 1 + letters.slice(0, last + 1).join('').length;
  reader.take(new RegExp(`[^]{${length}}`, 'y'), 'option');
  return option;
}

/** An option as it is typed on a plain keyboard. */
function plain(option: string): string {
  const letters = option.replace(/^\P{L}+/u, '');
  const dashes = option.length - letters.length > 1 || letters.length > 1;
  return (dashes ? '--' : '-') + letters;
}

class Reader {
  readonly tokens: IToken[] = [];
  position = 0;

  constructor(
    private readonly text: string,
    private readonly start: number
  ) {}

  /** The match at the current position, or nothing. */
  peek(pattern: RegExp): string {
    pattern.lastIndex = this.position;
    return pattern.exec(this.text)?.[0] ?? '';
  }

  /** Whether nothing follows a word at the current position. */
  isLast(word: string): boolean {
    return this.position + word.length === this.text.length;
  }

  /** Read past a match. Returns whether there was one. */
  skip(pattern: RegExp): boolean {
    const found = this.peek(pattern);
    this.position += found.length;
    return found !== '';
  }

  /** Read past a match and keep it as a token. Returns its text. */
  take(pattern: RegExp, kind: TokenKind): string {
    const found = this.peek(pattern);
    if (found !== '') {
      const from = this.start + this.position;
      this.tokens.push({ from, to: from + found.length, kind });
      this.position += found.length;
    }
    return found;
  }
}
