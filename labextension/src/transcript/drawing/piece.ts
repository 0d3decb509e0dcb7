/** The interface of a transcript's pieces, each of which draws one thing and follows the document. */

import type { ITranscript } from '../protocol/document';
import type { IHost } from './host';

/** What a piece may know about the transcript around it. */
export interface IContext {
  document: ITranscript;
  host: IHost;
  /** Whether more of the turn may still arrive. */
  live: boolean;
  /** Seconds since the turn began, which this page counts while the turn is live. */
  elapsed: number;
  /** The current time in milliseconds. */
  now: number;
  /** The index of the newest block. */
  newest: number;
  /** Where requests were decided whose cards this view has shown: by its own buttons, or somewhere else. */
  decided: ReadonlyMap<string, 'here' | 'elsewhere'>;
}

/** A part of a transcript on the page. */
export interface IPiece {
  readonly node: HTMLElement;
  /** Draw the document in its current state. */
  update(context: IContext): void;
  /** Draw what changes with every second. */
  tick?(context: IContext): void;
  /** Release timers and observers. */
  dispose?(): void;
}
