/** What a transcript needs from the page that shows it. Whatever is missing is not offered to the reader. */

import type { Action } from './document';

export interface IHost {
  /** Carry out an action; rejects with a sentence for the reader. Missing while there is no kernel to do it. */
  act?: (action: Action) => Promise<void>;
  /** Why the reader cannot act, such as "Start the kernel to decide." */
  blocked?: string;
  /** Whether the transcript comes from the file and the kernel has yet to confirm it. */
  asking?: boolean;
  /** Fetch the full text of a long argument. */
  value?: (request: string, name: string) => Promise<string>;
  /** Copy a text; the browser's clipboard is used if this is missing. */
  copy?: (text: string) => void;
  insertBelow?: (code: string) => void;
  openLink?: (url: string) => void;
  /** The current time in milliseconds, for tests. */
  now?: () => number;
}
