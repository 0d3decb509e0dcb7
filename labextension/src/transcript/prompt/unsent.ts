/** Draws a prompt that was not sent: what it would send, and what sends it. */

import type { IUnsent } from '../protocol/document';
import { row, well } from '../dom/boxes';
import { copyAndSay } from '../dom/copying';
import type { ICopier } from '../dom/copying';
import { button, el } from '../dom/elements';
import { icon } from '../dom/icons';
import { trans, withNodes } from '../dom/translation';

/** The row of a prompt that was not sent. */
export function unsentRow(
  model: string,
  unsent: IUnsent,
  host: ICopier = {}
): HTMLElement {
  const { asks, estimate, exact } = unsent;
  const table =
    asks.length > 0 && el('table', 'llm-params llm-asks', asksBody(unsent));
  if (estimate === undefined) {
    return row('unsent', '', readsLine(model, unsent), table);
  }
  const copied = button('llm-plain', icon('copy'), () =>
    copyAndSay(exact ?? '', host, copied)
  );
  copied.append(trans.__('Copy as JSON'));
  return el(
    'div',
    '',
    el(
      'div',
      'llm-head',
      el('span', 'llm-glyph', icon('unsent')),
      el(
        'span',
        '',
        el('span', 'llm-strong', trans.__('Dry run: nothing was sent.')),
        ` ${model}, ${estimate}`
      ),
      exact ? copied : null
    ),
    el('div', 'llm-verbatim', table)
  );
}

/** The sentence that says how to send a prompt that Python shows. */
function readsLine(model: string, { reads }: IUnsent): HTMLElement {
  const ways = reads.flatMap((way, index) => [
    index > 0 ? trans.__(', or ') : '',
    el('code', 'llm-code', way)
  ]);
  const said = withNodes(
    trans.__('to %1. Reading it sends it: %2.'),
    model,
    el('span', '', ...ways)
  );
  return el(
    'p',
    '',
    el('span', 'llm-strong', trans.__('Not sent yet')),
    ' ',
    el('span', 'llm-quiet', ...said)
  );
}

function asksBody({ asks }: IUnsent): HTMLElement {
  return el(
    'tbody',
    '',
    ...asks.map(({ name, text, size }) => {
      const head = el(
        'th',
        '',
        el('code', '', name),
        size && el('small', '', size)
      );
      head.scope = 'row';
      return el('tr', '', head, el('td', '', well(text)));
    })
  );
}
