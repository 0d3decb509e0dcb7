/** Draws reasoning: open while it is the newest block, then folded into one line. */

import type { IReasoningBlock } from '../document';
import { asGroup } from '../dom/boxes';
import { attrs, el } from '../dom/elements';
import { Fold } from '../dom/fold';
import { oneLine, wholeSeconds } from '../dom/formatting';
import type { IContext, IPiece } from '../piece';

export class Reasoning implements IPiece {
  private readonly fold = new Fold(() => this.drawText());
  readonly node = this.fold.node;
  private readonly thought = asGroup(
    attrs(el('div', 'llm-thought'), { tabindex: '0' }),
    'Reasoning'
  );
  private readonly caret = el('span', 'llm-caret');
  private block: IReasoningBlock = { kind: 'reasoning', text: '' };
  private isOpen = false;
  /** When it was first drawn, in seconds after the turn began; negative before that. */
  private began = -1;

  constructor(private readonly index: number) {
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
        words: ['Thinking'],
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
              el('span', 'llm-wide', 'thought for '),
              wholeSeconds(Math.max(1, seconds))
            ]
    });
  }

  private drawText(): void {
    const paragraphs = this.block.text.trim().split(/\n\s*\n/);
    const isAtEnd =
      this.thought.scrollTop + this.thought.clientHeight >=
      this.thought.scrollHeight - 24;
    this.caret.remove();
    while (this.thought.children.length > paragraphs.length) {
      this.thought.lastElementChild?.remove();
    }
    paragraphs.forEach((text, at) => {
      const node =
        this.thought.children[at] ?? this.thought.appendChild(el('p'));
      const plain = text.replace(/^\*\*([\s\S]*)\*\*$/, '$1');
      if (node.textContent !== plain) {
        node.textContent = plain;
      }
    });
    if (this.isOpen) {
      this.thought.lastElementChild?.append(this.caret);
      // A reader who has scrolled back is left alone.
      if (isAtEnd) {
        this.thought.scrollTop = this.thought.scrollHeight;
      }
    }
  }
}

/** The first sentence, without Markdown, as a title for the rest. */
function firstSentence(text: string): string {
  const start = text.slice(0, 400).replace(/[*#`]/g, '').trim();
  const line = start.split(/\n/, 1)[0];
  const sentence = /^.*?[.!?…](?=\s|$)/.exec(line)?.[0] ?? line;
  return oneLine(sentence.replace(/[.:]$/, ''), 120) || 'Thought';
}
