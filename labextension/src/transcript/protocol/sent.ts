/**
 * What went with a prompt, in the document of a transcript, which
 * `llm_notebook/transcript/sent_words.py` writes.
 */

export interface ISent {
  /** Cells of the notebook, an exception, what the user gave, or what was removed from all of it. */
  group: 'context' | 'error' | 'sent' | 'removed';
  /** What was sent in one line. Names in it are the user's, or those of files: hostile. */
  line: string;
  rows: ISentRow[];
  /** How many more there are than rows. */
  hidden?: number;
}

/** One thing that was sent. */
export interface ISentRow {
  /** What the user calls it, such as `df.head(3)`: hostile. */
  name: string;
  /** What it became. */
  text: string;
  /** About how many tokens its text has; 0 if it has none. */
  tokens: number;
  /** What the model did not get of it. */
  leftOut: string[];
}
