/**
 * Draws what went with a prompt: one line for each kind above the answer, which
 * unfolds into a table of what each thing became and what was left out.
 *
 * The names are the user's own words or names of files, the rest is made by the
 * kernel; a saved notebook may hold anything, so all of it is drawn as text.
 */

import type { ISent } from '../protocol/document';
import { attrs, el, refill } from '../dom/elements';
import { Fold } from '../dom/fold';
import { visible } from '../dom/visible';
import type { IContext, IPiece } from '../drawing/piece';
import { trans } from '../dom/translation';

/** The lines that say what was sent. */
export class SentSummary implements IPiece {
  readonly node = el('div');
  private groups: Group[] = [];
  private drawn = '';

  update({ document }: IContext): void {
    const sent = document.sent ?? [];
    const key = JSON.stringify(sent);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    // A line that a reader has unfolded stays so.
    this.groups = sent.map((_, index) => this.groups[index] ?? new Group());
    sent.forEach((group, index) => this.groups[index].show(group));
    refill(this.node, ...this.groups.map(({ node }) => node));
  }
}

/** One line, and what is behind it. */
class Group {
  private readonly fold = new Fold(() => this.drawBody());
  readonly node = this.fold.node;
  private sent: ISent | null = null;

  show(sent: ISent): void {
    this.sent = sent;
    this.fold.showLine({
      glyph: sent.group === 'removed' ? 'key' : 'stack',
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
    const heading = attrs(el('th', '', trans.__('Left out')), {
      scope: 'colgroup',
      colspan: '3'
    });
    const hidden = attrs(
      el('td', '', trans.__('%1 more', String(sent.hidden ?? 0))),
      {
        colspan: '3'
      }
    );
    const went = sent.rows.filter(({ text }) => text);
    refill(
      this.fold.body,
      el(
        'table',
        'llm-table',
        el('thead', '', el('tr', '', ...headsOf(sent.group).map(head))),
        el(
          'tbody',
          '',
          ...went.map(({ name, text, tokens }) =>
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

function headsOf(group: ISent['group']): string[] {
  if (group === 'removed') {
    return [trans.__('Where'), trans.__('What [removed] stands for'), ''];
  }
  const first = group === 'context' ? trans.__('Cell') : trans.__('Name');
  return [first, trans.__('What was sent'), trans.__('Tokens')];
}

function head(words: string, index: number): HTMLElement {
  const node = el('th', index === 2 ? 'llm-r' : '', words);
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
