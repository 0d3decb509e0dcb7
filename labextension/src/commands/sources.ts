/** The text of prompt cells: made from that of other cells, and turned back. */

import { headOf } from '../promptCell/firstLine';

/** The source of an empty prompt. The caret goes to its second line. */
export const EMPTY_PROMPT = '%%llm\n';

/** More of an output is not put into a prompt. */
const LONGEST_OUTPUT = 4_000;

/** Something that a prompt is about. */
export interface IQuote {
  /** What it is, such as "The cell:". */
  title: string;
  text: string;
  /** Its language; empty for plain text. */
  language: string;
}

export function isPrompt(source: string): boolean {
  return headOf(source) !== null;
}

/** A source as a prompt, with the options that it had as one before. */
export function asPrompt(source: string, head = '%%llm'): string {
  return isPrompt(source) ? source : `${head}\n${source}`;
}

/** A prompt without its options. Returns them too, so that they need not be lost. */
export function asCode(source: string): { source: string; head: string } {
  const head = headOf(source);
  return head === null
    ? { source, head: '' }
    : {
        source: source.slice(head.to + 1),
        head: source.slice(head.from, head.to)
      };
}

/**
 * A prompt whose question is yet to be typed: its second line is empty, and what it is about follows.
 *
 * Double braces would be evaluated, and here they are text of a cell.
 */
export function promptAbout(quotes: readonly IQuote[]): string {
  const blocks = quotes
    .filter(({ text }) => text.trim() !== '')
    .map(({ title, text, language }) => `${title}\n${fenced(text, language)}`);
  const text = blocks.join('\n\n');
  const options = text.includes('{{') ? ' --raw' : '';
  return `%%llm${options}\n\n\n${text}`;
}

/** A text as a block of code, whose fence is longer than any in the text. */
function fenced(text: string, language: string): string {
  const runs = text.match(/`{3,}/g) ?? [];
  const fence = '`'.repeat(Math.max(3, ...runs.map(run => run.length + 1)));
  return `${fence}${language}\n${text.replace(/\n+$/, '')}\n${fence}`;
}

/**
 * The beginning and the end of a long text, with a sentence between them.
 *
 * @param leftOut says how many characters are missing.
 */
export function shortened(
  text: string,
  leftOut: (count: number) => string
): string {
  const characters = Array.from(text);
  const missing = characters.length - LONGEST_OUTPUT;
  if (missing <= 0) {
    return text;
  }
  const half = LONGEST_OUTPUT / 2;
  const [head, tail] = [characters.slice(0, half), characters.slice(-half)];
  return `${head.join('')}\n${leftOut(missing)}\n${tail.join('')}`;
}
