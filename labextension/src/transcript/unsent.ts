/** Draws a prompt that Python shows before it was sent: what it would send, and what sends it. */

import type { IUnsent } from './document';
import { row, well } from './dom/boxes';
import { el } from './dom/elements';

export function unsentRow(
  model: string,
  { asks, reads }: IUnsent
): HTMLElement {
  const ways = reads.flatMap((way, index) => [
    index > 0 ? ', or ' : '',
    el('code', 'llm-code', way)
  ]);
  const table = el(
    'table',
    'llm-params llm-asks',
    el(
      'tbody',
      '',
      ...asks.map(({ name, text }) => {
        const head = el('th', '', el('code', '', name));
        head.scope = 'row';
        return el('tr', '', head, el('td', '', well(text)));
      })
    )
  );
  return row(
    'unsent',
    '',
    el(
      'p',
      '',
      el('span', 'llm-strong', 'Not sent yet'),
      ' ',
      el(
        'span',
        'llm-quiet',
        `to ${model}. Reading it sends it: `,
        ...ways,
        '.'
      )
    ),
    asks.length > 0 && table
  );
}
