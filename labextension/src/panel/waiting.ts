/** What waits for a decision, in all notebooks. A row decides nothing: it opens the card that the cell shows too, with the same buttons. */

import type { ITranscript } from '../transcript';
import { isPending, TranscriptView } from '../transcript';
import { whyBlocked } from '../lab/notebook/place';
import {
  isCount,
  isFlag,
  isText,
  listOf,
  shape
} from '../transcript/protocol/checks';
import { attrs, button, el, refill } from '../transcript/dom/elements';
import type { Child } from '../transcript/dom/elements';
import { icon } from '../transcript/dom/icons';
import { cellOfTranscript } from './going';
import { plain } from './list';
import type { IAnswered, IPanel } from './section';
import { Section } from './section';
import type { ISource } from './sources';

interface IWaiting {
  id: string;
  transcript: string;
  tool: string;
  arguments: string;
  notebook: string;
  cell: string;
  place: string;
  model: string;
  age: string;
  destructive: boolean;
}

interface IAnswer {
  waiting: IWaiting[];
  count: number;
}

const CHECK = shape({
  waiting: listOf(
    shape({
      id: isText,
      transcript: isText,
      tool: isText,
      arguments: isText,
      notebook: isText,
      cell: isText,
      place: isText,
      age: isText,
      destructive: isFlag
    })
  ),
  count: isCount
});

export class Waiting extends Section<IAnswer> {
  private readonly rows = el('ul', 'llm-list');
  private readonly opened = el('div');
  private card: OpenCard | null = null;
  private known: string[] | null = null;
  private drawn = '';
  private wantsFocus = false;
  private count = 0;

  constructor(panel: IPanel) {
    const label = panel.trans.__('Waiting for you');
    super('waiting', label, panel, 'waiting', CHECK);
    attrs(this.rows, { 'aria-label': label });
    this.rows.addEventListener('keydown', event => this.press(event));
  }

  /** Give the first row the focus, as soon as it is there. */
  showFirst(): void {
    this.wantsFocus = true;
    this.redraw();
  }

  protected draw(all: IAnswered<IAnswer>[]): Child[] {
    const { trans } = this;
    const found = new Map<string, { source: ISource; one: IWaiting }>();
    const { chosen } = this.panel.sources;
    for (const { source, answer } of all) {
      for (const one of answer.waiting) {
        if (!found.has(one.id) && (!chosen || one.notebook === chosen)) {
          found.set(one.id, { source, one });
        }
      }
    }
    this.count = chosen
      ? found.size
      : Math.max(found.size, ...all.map(({ answer }) => answer.count));
    this.setSum(
      this.count ? String(this.count) : trans.__('none'),
      this.count > 0
    );
    this.tell([...found.values()].map(({ one }) => one));
    if (this.card) {
      return [this.opened];
    }
    if (!found.size) {
      return [
        this.empty(
          trans.__('When a tool asks before it runs, it waits here too.')
        )
      ];
    }
    const key = JSON.stringify([...found.values()].map(({ one }) => one));
    if (key !== this.drawn) {
      this.drawn = key;
      this.drawRows([...found.values()]);
    }
    const first = this.rows.querySelector('button');
    if (this.wantsFocus && first) {
      this.wantsFocus = false;
      queueMicrotask(() => first.focus());
    }
    return [this.rows];
  }

  private drawRows(found: { source: ISource; one: IWaiting }[]): void {
    const at = Array.from(this.rows.children).findIndex(row =>
      row.contains(document.activeElement)
    );
    refill(
      this.rows,
      ...found.map(({ source, one }) =>
        el(
          'li',
          '',
          this.compact(one, () => this.open(source, one))
        )
      )
    );
    if (at >= 0) {
      const rows = this.rows.querySelectorAll('button');
      (rows[at] ?? rows[rows.length - 1])?.focus();
    }
  }

  private compact(one: IWaiting, open: () => void): HTMLElement {
    const node = button(
      one.destructive ? 'llm-wait llm-destructive' : 'llm-wait',
      el(
        'span',
        '',
        el('span', 'llm-tool', one.tool),
        el('span', 'llm-args', one.arguments),
        el(
          'span',
          'llm-where',
          [one.place, one.age].filter(Boolean).join(' · ')
        )
      ),
      open
    );
    node.append(icon('chevron'));
    return attrs(node, { title: one.arguments });
  }

  /** Tell a screen reader what has begun to wait, and open when the first call arrives. */
  private tell(now: IWaiting[]): void {
    const { known } = this;
    this.known = now.map(({ id }) => id);
    const fresh = known ? now.filter(({ id }) => !known.includes(id)) : [];
    if (fresh.length) {
      const [{ tool, place }] = fresh;
      this.panel.announce(
        this.trans._n(
          '%1 call waits: %2, %3',
          '%1 calls wait: %2, %3',
          this.count,
          tool,
          place
        )
      );
      // It never closes by itself.
      queueMicrotask(() => (this.isOpen = true));
    }
  }

  private open(source: ISource, one: IWaiting): void {
    const { trans } = this;
    this.card = new OpenCard(source, one, this.panel);
    const back = plain(
      icon('chevron', 'llm-back'),
      () => this.close(),
      trans.__('All %1', this.count)
    );
    const where = button('llm-linkish', one.place || trans.__('Its cell'), () =>
      this.panel.goTo(one.notebook, {
        cell: one.cell,
        transcript: one.transcript
      })
    );
    refill(
      this.opened,
      el('div', 'llm-wait-head', back, where),
      this.card.node
    );
    this.redraw();
    back.focus();
  }

  private close(): void {
    this.card?.dispose();
    this.card = null;
    this.drawn = '';
    this.redraw();
    this.refresh();
    this.rows.querySelector('button')?.focus();
  }

  private press(event: KeyboardEvent): void {
    const rows = Array.from(this.rows.querySelectorAll('button'));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next =
      step && rows[rows.indexOf(event.target as HTMLButtonElement) + step];
    if (next) {
      next.focus();
      event.preventDefault();
    }
  }
}

/** The whole card of a question, as its cell shows it. The decision is carried out in that cell, if it is open on this page. */
class OpenCard {
  readonly node = el('div', 'llm-open-card');
  private readonly view: TranscriptView;
  private readonly unfollow: () => void;
  private readonly hint = el('p', 'llm-empty');

  constructor(
    private readonly source: ISource,
    private readonly one: IWaiting,
    private readonly panel: IPanel
  ) {
    this.view = new TranscriptView(this.node, {}, () => import('../formulas'));
    const { store } = this.bus;
    refill(this.hint, panel.trans.__('Asking the kernel…'));
    this.node.append(this.hint);
    this.unfollow = store.follow(stub(one.transcript, one.model), () =>
      this.update()
    );
    this.update();
    store.request(one.transcript);
  }

  dispose(): void {
    this.unfollow();
    this.view.dispose();
  }

  /** The kernel that the cell of the question belongs to, if it is open here. */
  private get bus(): ISource['bus'] {
    return this.cell?.place.bus ?? this.source.bus;
  }

  private get cell(): ReturnType<typeof cellOfTranscript> {
    return cellOfTranscript(this.panel.sources, this.one.transcript);
  }

  private update(): void {
    const { cell, bus } = this;
    const id = this.one.transcript;
    const document = bus.store.get(id);
    if (!document || !bus.store.isFromKernel(id)) {
      return;
    }
    this.hint.hidden = document.blocks.some(isPending);
    refill(this.hint, this.panel.trans.__('Nothing waits here any more.'));
    const shown = cell?.area;
    const blocked = whyBlocked(bus, id);
    this.view.show(
      document,
      cell && shown
        ? cell.place.host(id, shown)
        : blocked
          ? { blocked }
          : {
              live: true,
              act: action => bus.act(action),
              value: (request, name) => bus.value(request, name)
            }
    );
  }
}

/** A transcript of which nothing is known but its id, to follow it. */
export function stub(id: string, model: string): ITranscript {
  return {
    version: 1,
    id,
    seq: 0,
    model,
    state: 'paused',
    seconds: 0,
    blocks: []
  };
}
