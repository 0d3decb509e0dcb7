/** Draws rows that belong together: calls that ran at once, and the gathered steps of a finished answer. */

import type { ITranscript } from '../protocol/document';
import { asGroup } from '../dom/boxes';
import { arrange, el, refill } from '../dom/elements';
import { Fold } from '../dom/fold';
import { duration, wholeSeconds } from '../dom/formatting';
import { icon } from '../dom/icons';
import { timesOf } from '../drawing/layout';
import type { Row } from '../drawing/layout';
import type { IContext, IPiece } from '../drawing/piece';
import { Call } from './call';
import { trans } from '../dom/translation';

/** Finds the piece of a row, or makes it. */
export type FindPiece = (row: Row) => IPiece;

/** Calls that ran at once, each with its bar on a common time scale. */
export class CallGroup implements IPiece {
  readonly node = asGroup(el('div', 'llm-group'), trans.__('Calls at once'));
  private readonly words = el('span');
  private readonly when = el('span', 'llm-when');
  private readonly head = el(
    'div',
    'llm-group-head',
    el('span', 'llm-glyph', icon('parallel')),
    this.words,
    this.when
  );
  private blocks: number[] = [];
  private pieces: IPiece[] = [];

  setRows(rows: Row[], find: FindPiece): void {
    this.pieces = rows.map(find);
    this.blocks = rows.flatMap(row => ('block' in row ? [row.block] : []));
    arrange(this.node, [this.head, ...this.pieces.map(piece => piece.node)]);
  }

  update(context: IContext): void {
    this.tick(context);
  }

  tick(context: IContext): void {
    const times = this.blocks.map(index => {
      const [began, ended] = timesOf(context.document, index) ?? [0, 0];
      return [began, Math.min(ended, Math.max(began, context.elapsed))];
    });
    const first = Math.min(...times.map(time => time[0]));
    const last = Math.max(...times.map(time => time[1]));
    const whole = Math.max(last - first, 0.001);
    times.forEach(([began, ended], at) => {
      const piece = this.pieces[at];
      if (piece instanceof Call) {
        piece.setSpan([(began - first) / whole, (ended - first) / whole]);
        piece.tick(context);
      }
    });
    this.alignBars();
    const running = this.blocks.filter(
      index => statusAt(context.document, index) === 'running'
    ).length;
    const { length } = this.blocks;
    refill(
      this.words,
      running
        ? trans.__(
            '%1 calls at once, %2 done',
            String(length),
            String(length - running)
          )
        : trans.__('%1 calls at once', String(length))
    );
    refill(this.when, duration(whole));
  }

  /** Give all times the same width, so that the bars before them line up. */
  private alignBars(): void {
    const times = Array.from(this.node.querySelectorAll('.llm-took'));
    const longest = Math.max(
      0,
      ...times.map(time => time.textContent?.length ?? 0)
    );
    this.node.style.setProperty('--llm-took', String(longest));
  }
}

/** The steps before a text, folded into one line: "Thought for 14 s, ran 6 tool calls, 1 failed". */
export class GatheredSteps implements IPiece {
  private readonly fold = new Fold();
  readonly node = this.fold.node;
  private blocks: number[] = [];

  setRows(rows: Row[], find: FindPiece): void {
    this.blocks = rows.flatMap(blocksOf);
    arrange(
      this.fold.body,
      rows.map(row => find(row).node)
    );
    this.fold.body.classList.add('llm-record');
  }

  update(context: IContext): void {
    const { document } = context;
    const thought = this.secondsOfThought(document);
    const calls = this.blocks.filter(
      index => document.blocks[index]?.kind === 'call'
    );
    const failed = calls.filter(
      index => statusAt(document, index) === 'failed'
    ).length;
    const facts: string[] = [];
    if (this.blocks.length > calls.length) {
      facts.push(
        thought > 0
          ? trans.__('Thought for %1', wholeSeconds(Math.max(1, thought)))
          : trans.__('Thought')
      );
    }
    if (calls.length) {
      facts.push(
        facts.length
          ? trans._n('ran %1 tool call', 'ran %1 tool calls', calls.length)
          : trans._n('Ran %1 tool call', 'Ran %1 tool calls', calls.length)
      );
    }
    const took = this.secondsOfCalls(document);
    this.fold.showLine({
      glyph: this.blocks.length > calls.length ? 'thought' : 'check',
      words: [
        facts.join(', '),
        failed > 0 && ', ',
        failed > 0 &&
          el('span', 'llm-is-error', trans.__('%1 failed', String(failed)))
      ],
      when: [took + thought > 0 ? duration(took + thought) : '']
    });
  }

  private secondsOfThought(document: ITranscript): number {
    return this.blocks.reduce((total, index) => {
      const block = document.blocks[index];
      return block?.kind === 'reasoning' ? total + (block.seconds ?? 0) : total;
    }, 0);
  }

  private secondsOfCalls(document: ITranscript): number {
    const spans = this.blocks.flatMap(index => {
      const times = timesOf(document, index);
      return times ? [times] : [];
    });
    return lengthOf(spans);
  }
}

/** How much time these spans cover together, counting overlaps once. */
function lengthOf(spans: [number, number][]): number {
  let total = 0;
  let end = -Infinity;
  for (const [began, ended] of spans.slice().sort((a, b) => a[0] - b[0])) {
    total += Math.max(0, ended - Math.max(began, end));
    end = Math.max(end, ended);
  }
  return Number.isFinite(total) ? total : 0;
}

/** The indexes of the blocks in a row. */
function blocksOf(row: Row): number[] {
  return 'block' in row ? [row.block] : row.rows.flatMap(blocksOf);
}

function statusAt(document: ITranscript, index: number): string {
  const block = document.blocks[index];
  return block?.kind === 'call' ? block.status : '';
}
