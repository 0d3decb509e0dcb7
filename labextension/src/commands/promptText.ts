/** Makes the text of prompt cells from that of other cells, and turns it back. */

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

/** Whether the source of a cell is a prompt. */
export function isPrompt(source: string): boolean {
  return headOf(source) !== null;
}

/** Turn a source into a prompt, with the options that it had when it was one before. */
export function asPrompt(source: string, head = '%%llm'): string {
  return isPrompt(source) ? source : `${head}\n${source}`;
}

/** Turn a prompt into a source without options. The options are returned too, so that they can be restored. */
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
 * Make a prompt whose question is yet to be typed: its second line is empty,
 * and the quoted text follows.
 *
 * A text with double braces is sent as it is, because the expressions in it
 * must not be evaluated.
 */
export function promptAbout({ title, text, language }: IQuote): string {
  const options = text.includes('{{') ? ' --raw' : '';
  return `%%llm${options}\n\n\n${title}\n${fenced(text, language)}`;
}

/** Make a block of code from a text. Its fence is longer than any in the text. */
function fenced(text: string, language: string): string {
  const runs = text.match(/`{3,}/g) ?? [];
  const fence = '`'.repeat(Math.max(3, ...runs.map(run => run.length + 1)));
  return `${fence}${language}\n${text.replace(/(?<!\n)\n+$/, '')}\n${fence}`;
}
