/** What a transcript asks of the place it is shown in. */

import type { Action } from './document';

export interface IHost {
  /** Perform an action; resolves when it was handed to the kernel. Undefined: nobody can (no kernel). */
  act?: (action: Action) => Promise<void>;
  /** Why `act` is missing or blocked, for the card's fine print: "Start the kernel to decide." */
  blocked?: string;
  /** The kernel has not said yet how things stand: what is shown is what was saved. */
  asking?: boolean;
  /** The full text of a long value. */
  value?: (request: string, name: string) => Promise<string>;
  copy?: (text: string) => void;
  insertBelow?: (code: string) => void;
  openLink?: (url: string) => void;
  now?: () => number;
}
