/** Puts together what the status bar says. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { shownModel } from '../lab/notebook/chosenModel';
import type { Overview } from '../lab/kernel/overview';

/** The texts of the item's three parts; empty for a part that is not shown. */
export interface IStatusWords {
  model: string;
  waiting: string;
  used: string;
  /** The tokens, in full. */
  details: string;
}

/** @param chosen the model of the notebook; empty if none was chosen. */
export function statusWords(
  { default: usual, waits, sent, received, cost }: Overview,
  chosen: string,
  trans: TranslationBundle
): IStatusWords {
  const tokens = sent + received;
  const count = (number: number): string => number.toLocaleString('en');
  return {
    model: shownModel(chosen || usual),
    waiting: waits ? trans.__('%1 waiting', count(waits)) : '',
    used: tokens ? cost || trans.__('%1 tokens', count(tokens)) : '',
    details: trans.__(
      'This kernel: %1 tokens in, %2 out, without runs over rows',
      count(sent),
      count(received)
    )
  };
}
