/**
 * A run over rows in the document of a transcript, which
 * `llm_notebook/transcript/job.py` writes.
 */

/** A run of one prompt over many rows. */
export interface IJob {
  /** Its state; `known` if every row was answered before, so that there is no bar. */
  state: 'running' | 'stopped' | 'failed' | 'done' | 'known';
  /** How many rows there are; null if that is not known. */
  count: number | null;
  /** How many of them have an outcome, and how many of these failed. */
  done: number;
  failed: number;
  /** What matters most in a few words, and the rest of that sentence. It may quote a server: hostile. */
  title: string;
  text: string;
  /** The numbers below the bar. */
  facts: { text: string; error?: boolean }[];
  /** What the reader can do, with lines to type in backticks. */
  hints: string[];
  /** Whether a click can continue it. */
  canGoOn?: boolean;
  /** Why rows failed: `example` is the first error and `which` the labels of rows, both hostile. */
  reasons?: {
    text: string;
    example: string;
    rows: number;
    which: string;
    again: string;
  }[];
}
