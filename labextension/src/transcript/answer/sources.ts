/**
 * Lists the sources of an answer by the numbers that its text refers to.
 *
 * Titles and addresses come from a provider, a search or a saved notebook. They
 * are text, and a title is followed by the host that its link really leads to.
 */

import type { ISource } from '../protocol/document';
import { attrs, el, refill } from '../dom/elements';
import { visible } from '../dom/visible';
import type { IHost } from '../drawing/host';
import type { IContext, IPiece } from '../drawing/piece';
import { outsideLink, webAddress } from './markdown/links';
import { trans } from '../dom/translation';

/** More sources than this are folded. */
const SHOWN = 8;

/** The list of an answer's sources. */
export class SourceList implements IPiece {
  readonly node = attrs(el('aside', 'llm-sources'), {
    'aria-label': trans.__('Sources of the answer')
  });
  private drawn = '';
  private host: IHost = {};

  update(context: IContext): void {
    const sources = context.document.sources ?? [];
    this.host = context.host;
    this.node.hidden = sources.length === 0;
    const key = JSON.stringify(sources);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    const list = (from: number, to?: number): HTMLElement =>
      attrs(
        el('ol', '', ...sources.slice(from, to).map(one => this.item(one))),
        { style: `counter-reset: source ${from}` }
      );
    const rest = sources.length > SHOWN;
    refill(
      this.node,
      list(0, rest ? SHOWN : undefined),
      rest &&
        el(
          'details',
          '',
          el('summary', '', trans.__('Show all %1', String(sources.length))),
          list(SHOWN)
        )
    );
  }

  private item(source: ISource): HTMLElement {
    const url = webAddress(source.url);
    const title = visible(source.title);
    if (!url) {
      return el('li', '', el('span', '', title));
    }
    const link = outsideLink(url, () => this.host, title);
    const where = el('span', 'llm-host', url.host.slice(0, 80));
    return el(
      'li',
      '',
      el('span', '', link, ...(title === url.host ? [] : [' ', where]))
    );
  }
}
