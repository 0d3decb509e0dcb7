/** The text of prompt cells: made from that of other cells, and turned back. */

import { headOf } from '../promptCell/firstLine';

/** The source of an empty prompt. The caret goes to its second line. */
export const EMPTY_PROMPT = '%%llm\n';

/** Something that a prompt is about. */
export interface IQuote {
  /** What it is, such as "From the cell:". */
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
export function promptAbout({ title, text, language }: IQuote): string {
  const options = text.includes('{{') ? ' --raw' : '';
  return `%%llm${options}\n\n\n${title}\n${fenced(text, language)}`;
}

/** A text as a block of code, whose fence is longer than any in the text. */
function fenced(text: string, language: string): string {
  const runs = text.match(/`{3,}/g) ?? [];
  const fence = '`'.repeat(Math.max(3, ...runs.map(run => run.length + 1)));
  return `${fence}${language}\n${text.replace(/(?<!\n)\n+$/, '')}\n${fence}`;
}
