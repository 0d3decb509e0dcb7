/** Runs over rows: how far each is, and what it cost. Those that run in an open notebook tell so while their kernel is busy. */

import type { NotebookPanel } from '@jupyterlab/notebook';

import { asCode } from '../../commands/promptText';
import { sourceOf } from '../../lab/notebook/cellText';
import type { IJob } from '../../transcript/protocol/job';
import {
  isCount,
  isNumber,
  isText,
  listOf,
  maybe,
  shape
} from '../../transcript/protocol/checks';
import type { Child } from '../../transcript/dom/elements';
import { count } from '../../transcript/dom/formatting';
import { icon } from '../../transcript/dom/icons';
import { indexOf } from '../going';
import { bar, List, plain } from '../list';
import type { IItem } from '../list';
import type { IAnswered, IPanel } from '../section';
import { when } from '../lines';
import { Section } from '../section';
import type { ISource } from '../sources';

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

/** A run in an open notebook. */
interface ILive {
  source: ISource;
  id: string;
  job: IJob;
}

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
    const live = this.live();
    const found = new Map<string, IRun>();
    all.forEach(({ answer }) =>
      answer.runs.forEach(run => found.set(run.id, run))
    );
    const runs = [...found.values()]
      .filter(run => !chosen || run.notebook === chosen)
      // What runs in an open notebook tells more by itself.
      .filter(
        run =>
          run.state !== 'running' ||
          !live.some(({ source }) => pathOf(source) === run.notebook)
      )
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
    const items = [
      ...live.map(one => this.liveItem(one)),
      ...runs.map(run => this.item(run))
    ];
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

  // Its kernel is busy, but what runs is told all the while.
  protected override knowsMore(): boolean {
    return this.live().length > 0;
  }

  /** What runs now, as the transcripts tell. */
  private live(): ILive[] {
    return this.panel.sources.asked.flatMap(source =>
      source.bus.store
        .live()
        .flatMap(({ id, job }) => (job ? [{ source, id, job }] : []))
    );
  }

  private liveItem({ source, id, job }: ILive): IItem {
    const { trans } = this;
    const { panel, name } = source;
    const total = job.count ?? 0;
    const far = total
      ? trans.__('%1 of %2', count(job.done), count(total))
      : count(job.done);
    const asked = promptOf(panel, id) || trans.__('Rows');
    return {
      key: id,
      name: [asked],
      title: asked,
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
        this.goTo(pathOf(source), id)
      ]
    };
  }

  private item(run: IRun): IItem {
    const { trans } = this;
    const done = run.answered + run.failed;
    const isRunning = run.state === 'running';
    const total = run.count ?? done;
    const far = trans.__('%1 of %2', count(done), count(total));
    const under = [
      isRunning ? '' : trans.__('%1 rows', done < total ? far : count(total)),
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

const pathOf = ({ panel }: ISource): string => panel.context.path;

/** What a cell asks of every row, in one line. */
function promptOf(panel: NotebookPanel, transcript: string): string {
  const cell = panel.content.widgets[indexOf(panel, { transcript })];
  return cell ? asCode(sourceOf(cell)).source.trim().replace(/\s+/g, ' ') : '';
}
