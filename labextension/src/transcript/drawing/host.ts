/** What a transcript needs from the page that shows it. Whatever is missing is not offered to the reader. */

import type { Action } from '../protocol/document';

/** Cells of the notebook that shows a transcript. */
export interface IHeldUpCells {
  /** How many of them there still are. */
  count: number;
  /** Whether all of them are below the transcript's own cell. */
  areBelow: boolean;
  /** Run them. */
  run: () => Promise<void>;
}

/** A cell of the notebook whose text can be replaced. Replacing it never runs it. */
export interface IReplaceable {
  /** Give it another text, in one step of its history. */
  replace: (text: string) => void;
  /** Give it back the text that it had; false if it has been changed since. */
  undo: () => boolean;
}

/** The page around a transcript. */
export interface IHost {
  /**
   * Carry out an action; rejects with a sentence for the reader. It is there
   * only while the document that is shown comes from the connected kernel,
   * because a saved notebook can say anything.
   */
  act?: (action: Action) => Promise<void>;
  /** Why the reader cannot act, such as "As saved; start the kernel to decide." */
  blocked?: string;
  /** Load our package into a kernel that does not have it, so that the kernel sends the transcript; rejects with a sentence. */
  ask?: () => Promise<void>;
  /** Whether there is a kernel that may be working on the transcript. */
  live?: boolean;
  /** Fetch the full text of a long argument. */
  value?: (request: string, name: string) => Promise<string>;
  /** Give the kernel a key to store under a name; rejects with a sentence. */
  key?: (transcript: string, name: string, key: string) => Promise<void>;
  /** Find the cells with these ids; null if there are none. */
  cells?: (ids: string[]) => IHeldUpCells | null;
  /** Copy a text; the browser's clipboard is used if this is missing. */
  copy?: (text: string) => void;
  insertBelow?: (code: string) => void;
  /** Find the cell that has this text; null if none has, or if it is not clear which is meant. */
  cellWith?: (text: string) => IReplaceable | null;
  openLink?: (url: string) => void;
  /** The current time in milliseconds, for tests. */
  now?: () => number;
}
