/** What waits for a decision, in all notebooks. A row decides nothing: it opens the card that the cell shows too, with the same buttons. */

import type { ITranscript } from '../../transcript';
import { isPending, TranscriptView } from '../../transcript';
import type { KernelBus } from '../../lab/kernel/bus';
import { whyBlocked } from '../../lab/notebook/place';
import {
  isCount,
  isFlag,
  isText,
  listOf,
  shape
} from '../../transcript/protocol/checks';
import { attrs, button, el, refill } from '../../transcript/dom/elements';
import type { Child } from '../../transcript/dom/elements';
import { icon } from '../../transcript/dom/icons';
import { cellOfTranscript } from '../going';
import { plain } from '../list';
import type { IAnswered, IPanel } from '../section';
import { Section } from '../section';
import type { ISource } from '../sources';

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
  /** What waits, with the kernel that told of it last. */
  private found = new Map<string, { source: ISource; one: IWaiting }>();
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
    const counts = [0];
    for (const { source, answer } of all) {
      const open = answer.waiting.filter(one => !this.isDecided(one));
      counts.push(answer.count - answer.waiting.length + open.length);
      for (const one of open) {
        if (!found.has(one.id) && (!chosen || one.notebook === chosen)) {
          found.set(one.id, { source, one });
        }
      }
    }
    this.count = chosen ? found.size : Math.max(found.size, ...counts);
    this.setSum(
      this.count ? String(this.count) : trans.__('none'),
      this.count > 0
    );
    this.tell([...found.values()].map(({ one }) => one));
    if (this.card?.follow()) {
      return [this.opened];
    }
    if (this.card) {
      this.closeCard();
    }
    if (!found.size) {
      return [
        this.empty(
          trans.__('When a tool asks before it runs, it waits here too.')
        )
      ];
    }
    const key = JSON.stringify([...found.values()].map(({ one }) => one));
    this.found = found;
    if (key !== this.drawn) {
      this.drawn = key;
      this.drawRows([...found.values()].map(({ one }) => one));
    }
    const first = this.rows.querySelector('button');
    if (this.wantsFocus && first) {
      this.wantsFocus = false;
      // Whoever has gone elsewhere meanwhile, such as into a cell, goes on there.
      if (this.node.contains(document.activeElement)) {
        queueMicrotask(() => first.focus({ preventScroll: true }));
      }
    }
    return [this.rows];
  }

  /** Whether a page was told of a decision that the list of a kernel, which may be busy with it, does not have yet. */
  private isDecided({ id, transcript }: IWaiting): boolean {
    return this.panel.sources.asked.some(
      ({ bus: { store } }) =>
        store.isFromKernel(transcript) &&
        store
          .get(transcript)
          ?.blocks.some(
            block =>
              block.kind === 'call' && block.callId === id && !isPending(block)
          )
    );
  }

  private drawRows(waiting: IWaiting[]): void {
    const at = Array.from(this.rows.children).findIndex(row =>
      row.contains(document.activeElement)
    );
    refill(
      this.rows,
      ...waiting.map(one =>
        el(
          'li',
          '',
          this.compact(one, () => this.open(one.id))
        )
      )
    );
    if (at >= 0) {
      const rows = this.rows.querySelectorAll('button');
      (rows[at] ?? rows[rows.length - 1])?.focus({ preventScroll: true });
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

  private open(id: string): void {
    const { trans } = this;
    const known = this.found.get(id);
    if (!known) {
      return;
    }
    const { source, one } = known;
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

  private closeCard(): void {
    this.card?.dispose();
    this.card = null;
    this.drawn = '';
  }

  private close(): void {
    this.closeCard();
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
  private readonly hint = el('p', 'llm-empty');
  private followed: KernelBus | null = null;
  private unfollow = (): void => undefined;

  constructor(
    private readonly source: ISource,
    private readonly one: IWaiting,
    private readonly panel: IPanel
  ) {
    this.view = new TranscriptView(
      this.node,
      {},
      () => import('../../lab/formulas')
    );
    refill(this.hint, panel.trans.__('Asking the kernel…'));
    this.node.append(this.hint);
    this.follow();
  }

  dispose(): void {
    this.unfollow();
    this.view.dispose();
  }

  /** Follow the kernel that can decide now, which is another one when the notebook was opened. Returns whether there is one. */
  follow(): boolean {
    const { bus } = this;
    const { model, transcript } = this.one;
    if (bus.state === 'joined' && bus !== this.followed) {
      this.unfollow();
      this.followed = bus;
      this.unfollow = bus.store.follow(stub(transcript, model), () =>
        this.update()
      );
      this.update();
      bus.store.request(transcript);
    }
    return bus.state === 'joined';
  }

  /** The cell of the question, if it is open here and its kernel can decide. */
  private get cell(): ReturnType<typeof cellOfTranscript> {
    const cell = cellOfTranscript(this.panel.sources, this.one.transcript);
    return cell?.place.bus?.state === 'joined' ? cell : null;
  }

  private get bus(): KernelBus {
    return this.cell?.place.bus ?? this.source.bus;
  }

  private update(): void {
    const { cell, bus } = this;
    const id = this.one.transcript;
    const document = bus.store.get(id);
    const isTold = bus.store.isFromKernel(id);
    if (isTold || bus.store.isGone(id)) {
      this.hint.hidden = isTold && Boolean(document?.blocks.some(isPending));
      refill(this.hint, this.panel.trans.__('Nothing waits here any more.'));
    }
    if (!document || !isTold) {
      return;
    }
    const blocked = whyBlocked(bus, id);
    this.view.show(
      document,
      cell
        ? cell.place.host(id, cell.area)
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
