/**
 * A part of the contract with the kernel: what a side panel asks, and what it is
 * told. `llm_notebook/notebook/panel/` answers.
 *
 * Every text is bounded, and its hidden characters are spelled out; what models,
 * tools and files have said is hostile all the same.
 */

/** What a question may be about. The last six change something, and answer as the list that they are about does. */
export type About =
  | 'waiting'
  | 'runs'
  | 'conversations'
  | 'conversation'
  | 'export'
  | 'usage'
  | 'models'
  | 'keys'
  | 'local'
  | 'store-key'
  | 'remove-key'
  | 'install'
  | 'cancel'
  | 'remove-model';

/** A question. What else it says depends on what it is about. */
export interface IPanelQuestion {
  type: 'panel';
  /** Names the question; the answer has it. */
  ask: string;
  about: About;
  /** The folder of the server, to which paths are relative. */
  root: string;
  query?: string;
  most?: number;
  id?: string;
  name?: string;
  /** A key to be stored. None ever comes back. */
  key?: string;
  source?: string;
}

/** An answer, or with an empty `answers` news that nobody asked for. */
export interface IPanelAnswer {
  type: 'panel';
  answers: string;
  about: string;
  /** Why there is no answer. */
  problem?: string;
}
