/** The words that the parts of a card share: what a reader replies, and the drawers in which a reply is written. */

import type { Action } from '../document';

type Decide = Extract<Action, { type: 'decide' }>;

export type Verdict = Decide['verdict'];

/** A verdict with what goes with it: a reason, an answer, edited arguments, a grant. */
export type Reply = Partial<Decide> & { verdict: Verdict };

export type DrawerName = 'edit' | 'deny' | 'answer' | 'grant';

/** What takes the place of a card's row of buttons. */
export interface IDrawer {
  readonly node: HTMLElement;
  /** Buttons that give consent: not to be used before the card is armed. */
  readonly consenting: HTMLButtonElement[];
  /** What is focused when it opens. */
  readonly first: HTMLElement;
}
