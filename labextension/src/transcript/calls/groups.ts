/** Rows that belong together: calls at once, and all the machinery of a finished answer behind one line. */

import type { ITranscript } from '../document';
import { group } from '../dom/boxes';
import { arrange, el, refill } from '../dom/elements';
import { Fold } from '../dom/fold';
import { duration, plural, wholeSeconds } from '../dom/formatting';
import { icon } from '../dom/icons';
import { timesOf } from '../layout';
import type { Row } from '../layout';
import type { IContext, IPiece } from '../piece';
import { Call } from './call';

/** Finds (or makes) the piece of a row. */
export type Find = (row: Row) => IPiece;

/** Calls that ran at once, each with its bar on one time scale. */
export class Group implements IPiece {
  readonly node = group(el('div', 'llm-group'), 'Calls at once');
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

  set(rows: Row[], find: Find): void {
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
        piece.place([(began - first) / whole, (ended - first) / whole]);
        piece.tick(context);
      }
    });
    this.alignBars();
    const running = this.blocks.filter(
      index => statusAt(context.document, index) === 'running'
    ).length;
    const done = running ? `, ${this.blocks.length - running} done` : '';
    refill(this.words, `${this.blocks.length} calls at once${done}`);
    refill(this.when, duration(whole));
  }

  /** Give the times one width, so that the bars before them stand under each other. */
  private alignBars(): void {
    const times = Array.from(this.node.querySelectorAll('.llm-took'));
    const longest = Math.max(
      0,
      ...times.map(time => time.textContent?.length ?? 0)
    );
    this.node.style.setProperty('--llm-took', String(longest));
  }
}

/** The reasoning and calls before an answer, behind one line: "Thought for 14 s, ran 6 tool calls, 1 failed". */
export class Record implements IPiece {
  private readonly fold = new Fold();
  readonly node = this.fold.node;
  private blocks: number[] = [];

  set(rows: Row[], find: Find): void {
    this.blocks = rows.flatMap(blocksOf);
    arrange(
      this.fold.body,
      rows.map(row => find(row).node)
    );
    this.fold.body.classList.add('llm-record');
  }

  update(context: IContext): void {
    const { document } = context;
    const thought = this.sum(document, 'reasoning');
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
          ? `Thought for ${wholeSeconds(Math.max(1, thought))}`
          : 'Thought'
      );
    }
    if (calls.length) {
      facts.push(
        `${facts.length ? 'ran' : 'Ran'} ${plural(calls.length, 'tool call')}`
      );
    }
    const took = this.sum(document, 'call');
    this.fold.show({
      glyph: this.blocks.length > calls.length ? 'thought' : 'check',
      words: [
        facts.join(', '),
        failed > 0 && ', ',
        failed > 0 && el('span', 'llm-is-error', `${failed} failed`)
      ],
      when: [took + thought > 0 ? duration(took + thought) : '']
    });
  }

  private sum(document: ITranscript, kind: 'reasoning' | 'call'): number {
    if (kind === 'reasoning') {
      return this.blocks.reduce((total, index) => {
        const block = document.blocks[index];
        return block?.kind === kind ? total + (block.seconds ?? 0) : total;
      }, 0);
    }
    return covered(
      this.blocks.flatMap(index => {
        const times = timesOf(document, index);
        return times ? [times] : [];
      })
    );
  }
}

/** How long a set of spans lasts, counting what overlaps once. */
function covered(spans: [number, number][]): number {
  let total = 0;
  let until = -Infinity;
  for (const [began, ended] of spans.slice().sort((a, b) => a[0] - b[0])) {
    total += Math.max(0, ended - Math.max(began, until));
    until = Math.max(until, ended);
  }
  return Number.isFinite(total) ? total : 0;
}

function blocksOf(row: Row): number[] {
  return 'block' in row ? [row.block] : row.rows.flatMap(blocksOf);
}

function statusAt(document: ITranscript, index: number): string {
  const block = document.blocks[index];
  return block?.kind === 'call' ? block.status : '';
}
