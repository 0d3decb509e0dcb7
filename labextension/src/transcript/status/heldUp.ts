/** Says which cells a question has held up, and offers to run them once the turn is over. */

import type { ITranscript } from '../protocol/document';
import { row } from '../dom/boxes';
import { attrs, button, el, refill } from '../dom/elements';
import { count, sentenceOf } from '../dom/formatting';
import { icon } from '../dom/icons';
import type { IHeldUpCells } from '../drawing/host';
import type { IContext, IPiece } from '../drawing/piece';

/** The notice with its button. */
export class HeldUpNotice implements IPiece {
  readonly node = el('div', 'llm-held-up');
  /** The state that it was last drawn from, as a text. */
  private drawn = '';
  private cells: IHeldUpCells | null = null;
  private number = 0;
  private state: ITranscript['state'] = 'done';
  /** What went wrong when the cells were to be run. */
  private problem = '';

  update({ document, host }: IContext): void {
    const { heldUp = [], state } = document;
    // A notebook file can say anything; only the kernel knows what has not run.
    const ids = host.act ? heldUp : [];
    this.cells = (ids.length && host.cells?.(ids)) || null;
    this.number = host.cells ? (this.cells?.count ?? 0) : ids.length;
    this.state = state;
    this.draw();
  }

  private draw(): void {
    const { cells, number, problem, state } = this;
    const key = JSON.stringify([number, cells?.areBelow, state, problem]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    this.node.hidden = number === 0;
    const isOver =
      state === 'done' || state === 'interrupted' || state === 'failed';
    const words = this.words();
    const line =
      isOver && cells
        ? row('redo', '', words, this.makeButton())
        : row('redo', '', el('span', 'llm-quiet', words));
    line.classList.toggle('llm-does', isOver);
    refill(this.node, number > 0 && line);
  }

  /** "3 cells below", or where not all of them are below "3 queued cells". */
  private get which(): string {
    const cells = this.number === 1 ? 'cell' : 'cells';
    const areBelow = this.cells?.areBelow ?? true;
    return areBelow ? `${cells} below` : `queued ${cells}`;
  }

  private words(): string {
    const why =
      this.state === 'paused' ? ', because this one waits for you' : '';
    return `${count(this.number)} ${this.which} did not run${why}.`;
  }

  private makeButton(): HTMLElement {
    const run = button('llm-button', icon('play'), () => this.run());
    run.append(`Run the ${this.which}`);
    const hint = el('p', 'llm-hint llm-is-error', this.problem);
    return el(
      'div',
      '',
      el('div', 'llm-actions', run),
      this.problem && attrs(hint, { role: 'alert' })
    );
  }

  private run(): void {
    this.problem = '';
    this.cells?.run().catch((error: unknown) => {
      this.problem = sentenceOf(error);
      this.draw();
    });
  }
}
