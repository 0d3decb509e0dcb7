/** The types that the parts of a card share: a reader's reply, and the drawers in which it is written. */

import type { Action } from '../../protocol/document';

type Decide = Extract<Action, { type: 'decide' }>;

/** What a human can decide. */
export type Verdict = Decide['verdict'];

/** A verdict and what goes with it: a reason, an answer, edited arguments or a grant. */
export type Reply = Partial<Decide> & { verdict: Verdict };

/** Which question a decision is about, and the digest of what its card has shown. */
export type Seen = Pick<Decide, 'request' | 'digest' | 'shown'>;

/** The drawers of a card. */
export type DrawerName = 'edit' | 'deny' | 'answer' | 'grant' | 'drop';

/** A form that takes the place of the row of buttons. */
export interface IDrawer {
  readonly node: HTMLElement;
  /** The buttons that give consent, held until the card is armed. */
  readonly consenting: HTMLButtonElement[];
  /** What gets the keyboard focus when the drawer opens. */
  readonly initialFocus: HTMLElement;
}
