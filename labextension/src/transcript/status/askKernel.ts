/** Offers to ask a kernel that runs without our package, which is all that a saved transcript can offer there. */

import { button, el, refill } from '../dom/elements';
import { sentenceOf } from '../dom/formatting';
import { isPending } from '../drawing/layout';
import type { IContext, IPiece } from '../drawing/piece';
import { trans } from '../dom/translation';

/** The button with its hint. */
export class AskKernelButton implements IPiece {
  readonly node = el('div');
  private readonly hint = el('p', 'llm-hint');
  private ask: (() => Promise<void>) | undefined;
  /** Whether the kernel was asked and has not answered. */
  private isAsking = false;
  private readonly button = button(
    'llm-button',
    trans.__('Ask the kernel'),
    () => this.press()
  );

  constructor() {
    this.node.className = 'llm-below';
    this.node.hidden = true;
  }

  update(context: IContext): void {
    this.ask = context.host.ask;
    const { blocks, error, job, state } = context.document;
    const isBroken =
      !job && (state === 'interrupted' || (state === 'failed' && !error));
    const hidden = !this.ask || !(isBroken || blocks.some(isPending));
    if (hidden !== this.node.hidden) {
      this.node.hidden = hidden;
      this.say(
        trans.__(
          'Loads llm_notebook and draws this from the kernel’s answer. Nothing is approved by it.'
        )
      );
      const actions = el('div', 'llm-actions', this.button);
      refill(this.node, !hidden && actions, !hidden && this.hint);
    }
  }

  private press(): void {
    if (this.isAsking || !this.ask) {
      return;
    }
    this.isAsking = true;
    this.say(trans.__('Asking…'));
    this.ask()
      .catch((error: unknown) => this.say(sentenceOf(error)))
      .finally(() => {
        this.isAsking = false;
      });
  }

  private say(text: string): void {
    refill(this.hint, text);
  }
}
