/**
 * Draws a run over rows: one bar, one line of numbers, and when it is over, the
 * rows that failed, by reason.
 */

import type { IJob } from '../protocol/job';
import { row } from '../dom/boxes';
import { attrs, button, el, refill, setText, withCode } from '../dom/elements';
import { Fold } from '../dom/fold';
import { count, sentenceOf } from '../dom/formatting';
import { icon, type Icon } from '../dom/icons';
import { visibleNodes } from '../dom/visible';
import type { Tone } from '../dom/boxes';
import type { IContext, IPiece } from '../drawing/piece';
import { trans } from '../dom/translation';

const LOOKS: Record<IJob['state'], [Icon, Tone]> = {
  running: ['spinner', 'brand'],
  stopped: ['stop', 'warn'],
  failed: ['cross', 'error'],
  done: ['check', 'ok'],
  known: ['check', 'ok']
};

/** The piece of a run over rows. */
export class Job implements IPiece {
  readonly node = el('div');
  private readonly head = el('span');
  private readonly far = el('span', 'llm-far');
  private readonly good = el('i');
  private readonly bad = el('i');
  private readonly bar = attrs(el('div', 'llm-progress', this.good, this.bad), {
    role: 'progressbar',
    'aria-valuemin': '0',
    'aria-label': trans.__('Rows answered')
  });
  private readonly facts = el('ul', 'llm-facts');
  private readonly below = el('div');
  private readonly failures = new Fold();
  private row: HTMLElement | null = null;
  private look = '';
  private drawn = '';
  /** The sentence after a click, and the run as it was then. */
  private sent = '';
  private sentFor = '';

  update(context: IContext): void {
    const { job } = context.document;
    this.node.hidden = !job;
    if (!job) {
      return;
    }
    const run = atRest(job, context.live);
    if (JSON.stringify(run) !== this.sentFor) {
      this.sent = '';
    }
    const { act, blocked } = context.host;
    const key = JSON.stringify([run, Boolean(act), blocked, this.sent]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    this.drawFrame(run);
    refill(this.head, ...headOf(run));
    this.drawBar(run);
    refill(
      this.facts,
      ...run.facts.map(({ text, error }) =>
        el('li', error ? 'llm-is-error' : '', text)
      )
    );
    this.facts.hidden = run.facts.length === 0;
    refill(this.below, ...this.waysOf(run, context));
    this.drawFailures(run);
  }

  /** The row with its glyph, which is made anew only if the glyph changes, so that a spinner keeps turning. */
  private drawFrame({ state }: IJob): void {
    if (this.look === state) {
      return;
    }
    this.look = state;
    const [glyph, tone] = LOOKS[state];
    this.row = row(
      glyph,
      tone,
      el('div', 'llm-job-head', this.head, this.far),
      this.bar,
      el('div', 'llm-foot', this.facts),
      this.below
    );
    this.row.classList.add('llm-job');
    refill(this.node, this.row, this.failures.node);
  }

  private drawBar(job: IJob): void {
    const { done, failed, state } = job;
    const total = job.count ?? 0;
    const isDrawn = total > 0 && state !== 'known';
    this.bar.hidden = !isDrawn;
    const percent = percentOf(job);
    setText(this.far, isDrawn ? `${percent} %` : '');
    if (!isDrawn) {
      return;
    }
    const share = (part: number): string =>
      `${Math.min(100, Math.max(0, (100 * part) / total)).toFixed(2)}%`;
    this.good.style.setProperty('--v', share(done - failed));
    this.bad.style.setProperty('--v', share(failed));
    this.bad.hidden = failed === 0;
    const still = state !== 'running';
    this.bar.classList.toggle('llm-still', still);
    attrs(this.bar, {
      'aria-valuemax': String(total),
      'aria-valuenow': String(done),
      'aria-valuetext': trans.__(
        '%1 of %2 rows, %3 per cent',
        count(done),
        count(total),
        String(percent)
      )
    });
  }

  /** The button that continues it, and what the reader can type. */
  private waysOf(job: IJob, context: IContext): HTMLElement[] {
    const { act, blocked } = context.host;
    const offers = Boolean(job.canGoOn && act);
    const hints = job.hints.map(hint =>
      el(
        'p',
        'llm-hint',
        ...withCode(
          offers
            ? trans.__('Or %1', hint[0].toLowerCase() + hint.slice(1))
            : hint
        )
      )
    );
    if (!offers) {
      return hints;
    }
    const goOn = button('llm-button', icon('play'), () =>
      this.goOn(job, context)
    );
    goOn.append(trans.__('Go on'));
    const held = this.sent || blocked;
    attrs(goOn, { 'aria-disabled': held ? 'true' : null });
    return [
      el('div', 'llm-actions', goOn),
      ...(held ? [el('p', 'llm-hint', held)] : hints)
    ];
  }

  private goOn(job: IJob, context: IContext): void {
    const say = (text: string): void => {
      this.sent = text;
      this.sentFor = JSON.stringify(job);
      this.update(context);
    };
    say(trans.__('It goes on as soon as the kernel is free.'));
    context.host
      .act?.({ type: 'continue', transcript: context.document.id })
      .catch((error: unknown) => say(sentenceOf(error)));
  }

  private drawFailures({ reasons = [] }: IJob): void {
    this.failures.node.hidden = reasons.length === 0;
    if (reasons.length === 0) {
      return;
    }
    const rows = reasons.reduce((sum, reason) => sum + reason.rows, 0);
    const many = String(reasons.length);
    const said =
      reasons.length > 1
        ? trans._n(
            '%2 row failed, for %3 reasons',
            '%2 rows failed, for %3 reasons',
            rows,
            count(rows),
            many
          )
        : trans._n('%2 row failed', '%2 rows failed', rows, count(rows));
    this.failures.showLine({
      glyph: 'cross',
      tone: 'error',
      words: [said],
      when: []
    });
    refill(this.failures.body, tableOf(reasons));
    this.failures.suggest(true);
  }
}

/** The state of a run that no kernel works on, although none has said how it ended. */
function atRest(job: IJob, live: boolean): IJob {
  if (live || job.state !== 'running') {
    return job;
  }
  const done = count(job.done);
  const where =
    job.count === null
      ? trans.__('at %1 rows, when its kernel stopped.', done)
      : trans.__(
          'at %1 of %2 rows, when its kernel stopped.',
          done,
          count(job.count)
        );
  const kept = trans.__(
    'What was answered is kept; the cell asks only the others.'
  );
  return {
    ...job,
    state: 'stopped',
    title: trans.__('Stopped'),
    text: ` ${where} ${kept}`,
    facts: []
  };
}

function headOf({ state, text, title }: IJob): HTMLElement[] {
  const words = el('span', state === 'known' ? 'llm-quiet' : '');
  words.append(...withCode(text));
  return title ? [el('span', 'llm-strong', title), words] : [words];
}

/** The share of the rows that have an outcome. It is 100 only when all have one. */
function percentOf({ count: total, done }: IJob): number {
  return total
    ? Math.min(done < total ? 99 : 100, Math.round((100 * done) / total))
    : 0;
}

function tableOf(reasons: NonNullable<IJob['reasons']>): HTMLElement {
  const names = [
    trans.__('Reason'),
    trans.__('Rows'),
    trans.__('Which'),
    trans.__('Asked again by')
  ];
  const heads = names.map((name, at) =>
    attrs(el('th', at === 1 ? 'llm-r' : '', name), {
      role: 'columnheader',
      scope: 'col'
    })
  );
  const cell = (classes: string, ...children: (Node | string)[]): HTMLElement =>
    attrs(el('td', classes, ...children), { role: 'cell' });
  const rows = reasons.map(reason =>
    attrs(
      el(
        'tr',
        '',
        attrs(el('th', '', reason.text), { role: 'rowheader', scope: 'row' }),
        attrs(cell('llm-r', count(reason.rows)), {
          'data-l': trans.__('rows')
        }),
        cell(
          'llm-fill llm-flow',
          ...visibleNodes(reason.which),
          el('small', '', ...visibleNodes(reason.example))
        ),
        cell('llm-nowrap', ...withCode(reason.again))
      ),
      { role: 'row' }
    )
  );
  const group = { role: 'rowgroup' };
  return attrs(
    el(
      'table',
      'llm-table llm-entries',
      attrs(
        el('thead', '', attrs(el('tr', '', ...heads), { role: 'row' })),
        group
      ),
      attrs(el('tbody', '', ...rows), group)
    ),
    { role: 'table' }
  );
}

/** The name of a run, for screen readers. */
export function jobLabel({ count: total, state }: IJob): string {
  const over =
    total === null
      ? trans.__('Run over rows')
      : trans._n('Run over %2 row', 'Run over %2 rows', total, count(total));
  switch (state) {
    case 'stopped':
      return trans.__('%1, stopped', over);
    case 'failed':
      return trans.__('%1, failed', over);
    case 'done':
      return trans.__('%1, finished', over);
    default:
      return over;
  }
}
