/**
 * Draws what went with a prompt: one line above the answer, and unfolded a table
 * of what each object became and of what was left out.
 *
 * The names are the user's own words or names of files, the rest is made by the
 * kernel; a saved notebook may hold anything, so all of it is drawn as text.
 */

import type { ISent } from './document';
import { attrs, el, refill } from './dom/elements';
import { Fold } from './dom/fold';
import { visible } from './dom/visible';
import type { IContext, IPiece } from './piece';

export class Sent implements IPiece {
  private readonly fold = new Fold(() => this.drawBody());
  readonly node = this.fold.node;
  private sent: ISent | null = null;
  private drawn = '';

  update(context: IContext): void {
    const sent = context.document.sent ?? null;
    const key = JSON.stringify(sent);
    if (!sent || key === this.drawn) {
      return;
    }
    this.drawn = key;
    this.sent = sent;
    this.fold.showLine({
      glyph: 'stack',
      words: [visible(sent.line)],
      when: []
    });
    this.fold.drawBody();
  }

  private drawBody(): void {
    const { sent } = this;
    if (!sent) {
      return;
    }
    const left = sent.rows.flatMap(({ name, leftOut }) =>
      leftOut.map(note => row(name, cell(visible(note), 2)))
    );
    const heading = attrs(el('th', '', 'Left out'), {
      scope: 'colgroup',
      colspan: '3'
    });
    const hidden = attrs(el('td', '', `${sent.hidden ?? 0} more`), {
      colspan: '3'
    });
    refill(
      this.fold.body,
      el(
        'table',
        'llm-table',
        el('thead', '', el('tr', '', ...HEADS.map(head))),
        el(
          'tbody',
          '',
          ...sent.rows.map(({ name, text, tokens }) =>
            row(
              name,
              cell(visible(text)),
              el('td', 'llm-r', tokens ? tokens.toLocaleString('en') : '')
            )
          ),
          Boolean(sent.hidden) && el('tr', '', hidden)
        ),
        left.length > 0 && el('tbody', '', el('tr', '', heading), ...left)
      )
    );
  }
}

const HEADS = ['Name', 'What was sent', 'Tokens'];

function head(words: string, index: number): HTMLElement {
  const node = el('th', index === HEADS.length - 1 ? 'llm-r' : '', words);
  return attrs(node, { scope: 'col' });
}

function row(name: string, ...cells: HTMLElement[]): HTMLElement {
  const first = el('th', '', el('code', 'llm-code', visible(name)));
  return el('tr', '', attrs(first, { scope: 'row' }), ...cells);
}

function cell(words: string, columns = 1): HTMLElement {
  const node = el('td', 'llm-flow', words);
  return columns > 1 ? attrs(node, { colspan: String(columns) }) : node;
}
