/** What the parts of a transcript have in common: each draws one thing and follows the document. */

import type { ITranscript } from './document';
import type { IHost } from './host';

/** What a piece may know of the whole. */
export interface IContext {
  document: ITranscript;
  host: IHost;
  /** Whether the turn goes on: something may still arrive. */
  live: boolean;
  /** Seconds since the turn began, as far as is known here. */
  elapsed: number;
  /** The time in milliseconds. */
  now: number;
  /** Number of the newest block. */
  newest: number;
  /** Requests that this view has sent a decision for, or has seen decided while it showed their card. */
  decided: ReadonlyMap<string, 'here' | 'elsewhere'>;
}

export interface IPiece {
  readonly node: HTMLElement;
  /** Follow the document. */
  update(context: IContext): void;
  /** A second has passed. */
  tick?(context: IContext): void;
  dispose?(): void;
}
