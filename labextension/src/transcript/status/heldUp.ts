/** Says which cells a question has held up, and offers to run them once the turn is over. */

import type { ITranscript } from '../protocol/document';
import { row } from '../dom/boxes';
import { attrs, button, el, refill } from '../dom/elements';
import { count, sentenceOf } from '../dom/formatting';
import { icon } from '../dom/icons';
import type { IHeldUpCells } from '../drawing/host';
import type { IContext, IPiece } from '../drawing/piece';
import { trans } from '../dom/translation';

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

  /** Whether all of them are below this one. */
  private get areBelow(): boolean {
    return this.cells?.areBelow ?? true;
  }

  private words(): string {
    const { number } = this;
    const cells = this.areBelow
      ? trans._n('%2 cell below', '%2 cells below', number, count(number))
      : trans._n('%2 queued cell', '%2 queued cells', number, count(number));
    return this.state === 'paused'
      ? trans.__('%1 did not run, because this one waits for you.', cells)
      : trans.__('%1 did not run.', cells);
  }

  private get label(): string {
    const { areBelow, number } = this;
    return areBelow
      ? trans._n('Run the cell below', 'Run the cells below', number)
      : trans._n('Run the queued cell', 'Run the queued cells', number);
  }

  private makeButton(): HTMLElement {
    const run = button('llm-button', icon('play'), () => this.run());
    run.append(this.label);
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
