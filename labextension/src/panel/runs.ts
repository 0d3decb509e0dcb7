/** Runs over rows: how far each is, and what it cost. Those that run in an open notebook tell so while their kernel is busy. */

import {
  isCount,
  isNumber,
  isText,
  listOf,
  maybe,
  shape
} from '../transcript/protocol/checks';
import type { Child } from '../transcript/dom/elements';
import { count } from '../transcript/dom/formatting';
import { icon } from '../transcript/dom/icons';
import { bar, List, plain } from './list';
import type { IItem } from './list';
import type { IAnswered, IPanel } from './section';
import { Section, when } from './section';

interface IRun {
  id: string;
  asked: string;
  model: string;
  notebook: string;
  at: string;
  ended?: string | null;
  count?: number | null;
  answered: number;
  failed: number;
  cost: string;
  state: string;
  share: number;
}

const CHECK = shape({
  runs: listOf(
    shape({
      id: isText,
      asked: isText,
      model: isText,
      notebook: isText,
      at: isText,
      ended: maybe(isText),
      count: maybe(isCount),
      answered: isCount,
      failed: isCount,
      cost: isText,
      state: isText,
      share: isNumber
    })
  )
});

/** How often the page looks how far a run is, in milliseconds. */
const EVERY = 1_000;

export class Runs extends Section<{ runs: IRun[] }> {
  private readonly list: List;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(panel: IPanel) {
    const label = panel.trans.__('Runs over rows');
    super('runs', label, panel, 'runs', CHECK);
    this.list = new List(label);
  }

  protected draw(all: IAnswered<{ runs: IRun[] }>[]): Child[] {
    const { trans } = this;
    const { chosen } = this.panel.sources;
    const live = this.liveItems();
    const found = new Map<string, IRun>();
    all.forEach(({ answer }) =>
      answer.runs.forEach(run => found.set(run.id, run))
    );
    const runs = [...found.values()]
      .filter(run => !chosen || run.notebook === chosen)
      // What runs in an open notebook tells more by itself.
      .filter(run => !(live.length && run.state === 'running'))
      .sort((a, b) => b.at.localeCompare(a.at));
    const running =
      live.length + runs.filter(({ state }) => state === 'running').length;
    this.setSum(
      running
        ? trans.__('%1 running', running)
        : runs.length
          ? String(runs.length)
          : trans.__('none')
    );
    clearInterval(this.timer);
    if (live.length) {
      this.timer = setInterval(() => this.look(), EVERY);
    }
    const items = [...live, ...runs.map(run => this.item(run))];
    this.list.draw(items);
    return items.length
      ? [this.list.node]
      : [this.empty(trans.__('Start one with %1.', '%%llm --each df'))];
  }

  private look(): void {
    if (this.node.isConnected && this.isOpen) {
      this.redraw();
    } else {
      clearInterval(this.timer);
    }
  }

  /** What runs now, as the transcripts tell. */
  private liveItems(): IItem[] {
    const { trans } = this;
    return this.panel.sources.asked.flatMap(({ bus, name, panel }) =>
      bus.store.live().flatMap(({ id, job }) => {
        if (!job) {
          return [];
        }
        const total = job.count ?? 0;
        const far = total
          ? trans.__('%1 of %2', count(job.done), count(total))
          : count(job.done);
        const item: IItem = {
          key: id,
          name: [job.title],
          title: job.title,
          number: far,
          below: [
            bar(
              total ? job.done / total : 0,
              trans.__('Rows answered: %1', far),
              true
            )
          ],
          under: [name, ...job.facts.map(({ text }) => text)],
          shows: true,
          actions: [
            plain(
              icon('stop'),
              () => void panel.sessionContext.session?.kernel?.interrupt(),
              trans.__('Stop')
            ),
            this.goTo(panel.context.path, id)
          ]
        };
        return [item];
      })
    );
  }

  private item(run: IRun): IItem {
    const { trans } = this;
    const done = run.answered + run.failed;
    const isRunning = run.state === 'running';
    const total = run.count ?? done;
    const far = trans.__('%1 of %2', count(done), count(total));
    const under = [
      isRunning ? '' : trans.__('%1 rows', count(total)),
      run.failed ? trans.__('%1 failed', count(run.failed)) : '',
      run.cost,
      run.model
    ];
    return {
      key: run.id,
      name: [run.asked],
      title: run.asked,
      number: isRunning ? far : `${run.state} ${when(run.ended ?? run.at)}`,
      below:
        isRunning || run.state !== 'done'
          ? [bar(run.share, far, isRunning)]
          : [],
      under: under.filter(Boolean),
      shows: true,
      actions: run.notebook ? [this.goTo(run.notebook, '')] : []
    };
  }

  private goTo(path: string, transcript: string): HTMLElement {
    const label = transcript
      ? this.trans.__('Go to cell')
      : this.trans.__('Go to notebook');
    return plain(label, () => this.panel.goTo(path, { transcript }));
  }
}
