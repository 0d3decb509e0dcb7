/** Draws reasoning: open while it is the newest block, then folded into one line. */

import type { IReasoningBlock } from '../protocol/document';
import { asGroup } from '../dom/boxes';
import { attrs, el } from '../dom/elements';
import { Fold } from '../dom/fold';
import { oneLine, wholeSeconds } from '../dom/formatting';
import type { IContext, IPiece } from '../drawing/piece';
import type { Slices } from '../drawing/slices';
import { portionEnd } from './streaming/portions';
import { trans } from '../dom/translation';

/** This many paragraphs are drawn at once, even if the time of the slice is over. */
const AT_ONCE = 10;

/** The piece of a reasoning block. */
export class ReasoningPiece implements IPiece {
  private readonly fold = new Fold(() => this.drawText());
  readonly node = this.fold.node;
  private readonly thought = asGroup(
    attrs(el('div', 'llm-thought'), { tabindex: '0' }),
    trans.__('Reasoning')
  );
  private readonly caret = el('span', 'llm-caret');
  private block: IReasoningBlock = { kind: 'reasoning', text: '' };
  private isOpen = false;
  /** When it was first drawn, in seconds after the turn began; negative before that. */
  private began = -1;

  private text = '';
  /** How many characters of the text are drawn finally: all up to the last paragraph. */
  private settled = 0;
  private last: HTMLElement | null = null;
  private readonly drawOn = (): void => this.draw();

  constructor(
    private readonly index: number,
    private readonly slices: Slices
  ) {
    this.fold.body.append(this.thought);
  }

  update(context: IContext): void {
    this.block = context.document.blocks[this.index] as IReasoningBlock;
    this.isOpen = context.live && context.newest === this.index;
    if (this.began < 0) {
      this.began = context.elapsed;
    }
    this.fold.suggest(this.isOpen);
    this.fold.drawBody();
    this.tick(context);
  }

  tick(context: IContext): void {
    if (this.isOpen) {
      this.fold.showLine({
        glyph: 'spinner',
        words: [trans.__('Thinking')],
        when: [wholeSeconds(context.elapsed - this.began)]
      });
      return;
    }
    const { seconds } = this.block;
    this.fold.showLine({
      glyph: 'thought',
      words: [firstSentence(this.block.text)],
      when:
        seconds === undefined
          ? []
          : [
              el('span', 'llm-wide', trans.__('thought for')),
              ' ',
              wholeSeconds(Math.max(1, seconds))
            ]
    });
  }

  dispose(): void {
    this.slices.cancel(this.drawOn);
  }

  private drawText(): void {
    const { text } = this.block;
    if (!text.startsWith(this.text)) {
      this.thought.textContent = '';
      this.settled = 0;
      this.last = null;
    }
    this.text = text;
    this.draw();
  }

  /** Draw the last paragraph and what follows it, as far as the time allows. */
  private draw(): void {
    this.slices.cancel(this.drawOn);
    // A reader who has scrolled back is left alone.
    const isFollowed =
      this.isOpen &&
      this.thought.scrollTop + this.thought.clientHeight >=
        this.thought.scrollHeight - 24;
    this.caret.remove();
    for (let count = 1; this.drawParagraph(); count += 1) {
      if (count >= AT_ONCE && this.slices.isSpent) {
        this.slices.later(this.drawOn);
        break;
      }
    }
    if (this.isOpen) {
      this.thought.lastElementChild?.append(this.caret);
    }
    if (isFollowed) {
      this.thought.scrollTop = this.thought.scrollHeight;
    }
  }

  /** Draw the next paragraph. Returns whether another one follows. */
  private drawParagraph(): boolean {
    const { text } = this;
    const from = text.slice(this.settled).search(/\S/);
    if (from < 0) {
      this.last?.remove();
      this.last = null;
      return false;
    }
    const start = this.settled + from;
    const end = portionEnd(text, start);
    const portion = text.slice(start, end);
    const blank = /\n\s*\n/.exec(portion);
    const paragraph = portion.slice(0, blank?.index).trimEnd();
    const plain = paragraph.replace(/^\*\*([\s\S]*)\*\*$/, '$1');
    const node = this.last ?? this.thought.appendChild(el('p'));
    if (node.textContent !== plain) {
      node.textContent = plain;
    }
    const isSettled = blank !== null || end < text.length;
    this.last = isSettled ? null : node;
    if (isSettled) {
      this.settled = blank ? start + blank.index + blank[0].length : end;
    }
    return isSettled;
  }
}

/** The first sentence, without Markdown, as a title for the rest. */
function firstSentence(text: string): string {
  const start = text.slice(0, 400).replace(/[*#`]/g, '').trim();
  const line = start.split(/\n/, 1)[0];
  const sentence = /^.*?[.!?…](?=\s|$)/.exec(line)?.[0] ?? line;
  return oneLine(sentence.replace(/[.:]$/, ''), 120) || trans.__('Thought');
}
