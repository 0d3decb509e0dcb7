/** Says what a turn is waiting for: the model, or the next attempt to reach it. */

import { row } from '../dom/boxes';
import { attrs, el, refill, setText } from '../dom/elements';
import { wholeSeconds } from '../dom/formatting';
import type { IContext, IPiece } from '../drawing/piece';
import type { ITranscript } from '../protocol/document';
import { trans, withNodes } from '../dom/translation';

/** A spinner while nothing has arrived, or a notice that says why nothing arrives, with its countdown. */
export class WaitingNotice implements IPiece {
  readonly node = el('div', 'llm-waiting');
  private readonly seconds = el('span', 'llm-num');
  private readonly meter = el('i');
  /** The state that it was last drawn from, as a text. */
  private drawn = '';
  private noticeSince = 0;

  update(context: IContext): void {
    const { job, model, notice, state } = context.document;
    const shown = notice ?? (state === 'waiting' && !job ? model : null);
    const key = JSON.stringify(shown);
    this.node.hidden = shown === null;
    if (key !== this.drawn) {
      this.drawn = key;
      this.noticeSince = context.now;
      refill(
        this.node,
        notice ? this.makeNotice(notice) : shown && this.makeSpinner(model)
      );
    }
    this.tick(context);
  }

  tick(context: IContext): void {
    const { notice } = context.document;
    if (!notice) {
      setText(this.seconds, wholeSeconds(context.elapsed));
      return;
    }
    const total = notice.seconds ?? 0;
    const left = Math.max(0, total - (context.now - this.noticeSince) / 1000);
    setText(this.seconds, wholeSeconds(left));
    this.meter.style.transform = `scaleX(${total ? left / total : 0})`;
  }

  private makeSpinner(model: string): HTMLElement {
    const node = row(
      'spinner',
      '',
      el(
        'span',
        'llm-quiet',
        ...withNodes(
          trans.__('Waiting for %1, %2'),
          el('span', 'llm-strong', model),
          this.seconds
        )
      )
    );
    node.lastElementChild!.className = 'llm-quiet';
    return node;
  }

  private makeNotice(notice: NonNullable<ITranscript['notice']>): HTMLElement {
    attrs(this.seconds, { 'aria-hidden': 'true' });
    const counted = notice.seconds !== undefined;
    return row(
      'retry',
      'warn',
      el(
        'div',
        '',
        el('span', 'llm-strong', notice.text),
        ' ',
        el(
          'span',
          'llm-quiet',
          ...(counted
            ? withNodes(trans.__('Trying again in %1.'), this.seconds)
            : []),
          counted && ' ',
          notice.detail
        )
      ),
      counted &&
        attrs(el('div', 'llm-meter', this.meter), { 'aria-hidden': 'true' })
    );
  }
}
