/** Draws where a turn stopped at a limit: at that of the answers in a row that its cell allows, or at that of the tokens of one. */

import { row } from '../dom/boxes';
import { attrs, el } from '../dom/elements';
import { count } from '../dom/formatting';
import type { ITranscript } from '../protocol/document';
import { trans, withNodes } from '../dom/translation';

type Limit = NonNullable<ITranscript['limit']>;

/** The label of the button that continues the turn. */
export function continueLabel({ answers }: Limit): string {
  return trans.__('Continue for %1 more', count(answers));
}

/** The row that says where the turn stopped, with the buttons below it. */
export function limitRow(
  limit: Limit,
  buttons: HTMLElement | null
): HTMLElement {
  const { answers, calls } = limit;
  const node = row(
    'redo',
    'warn',
    el(
      'p',
      'llm-notice-title',
      trans._n(
        'Paused after %2 answer in a row',
        'Paused after %2 answers in a row',
        answers,
        count(answers)
      )
    ),
    el(
      'p',
      'llm-notice-text',
      ...withNodes(
        trans.__('That is the limit of this cell (%1).'),
        el('code', 'llm-code', `--cl ${answers}`)
      ),
      ' ',
      unfinished(calls)
    ),
    buttons
  );
  node.classList.add('llm-ended');
  return attrs(node, { role: 'alert' });
}

/** What was left to be done; without calls, the provider has paused in the middle of its own tools. */
function unfinished(calls: number): string {
  switch (calls) {
    case 0:
      return trans.__('The provider was still at work with its own tools.');
    case 1:
      return trans.__('The model asked for another call, which has not run.');
    default:
      return trans.__(
        'The model asked for %1 more calls, which have not run.',
        count(calls)
      );
  }
}

/** The row that says that an answer ended at the token limit, with the buttons below it. */
export function cutRow(buttons: HTMLElement | null): HTMLElement {
  const node = row(
    'cut',
    'warn',
    el('span', 'llm-strong', trans.__('Cut at the token limit.')),
    ' ',
    el(
      'span',
      'llm-quiet',
      ...withNodes(
        trans.__('The end of the answer is missing. %1 allows more.'),
        el('code', 'llm-code', '-o max_tokens N')
      )
    ),
    buttons
  );
  node.classList.add('llm-ended');
  return node;
}
