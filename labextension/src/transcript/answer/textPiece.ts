/** Shows a text block of the document as an answer, drawn again only if its text changes. */

import type { ITextBlock } from '../protocol/document';
import type { IHost } from '../drawing/host';
import type { IContext, IPiece } from '../drawing/piece';
import { Answer } from './streaming/answer';
import type { Markdown } from './markdown/markdown';

/** The piece of a text block that is shown as Markdown. */
export class TextPiece implements IPiece {
  readonly node: HTMLElement;
  private text = '';
  private growing = true;

  private readonly answer: Answer;

  constructor(
    private readonly index: number,
    markdown: Markdown,
    host: () => IHost
  ) {
    this.answer = new Answer(markdown, host);
    this.node = this.answer.node;
  }

  update(context: IContext): void {
    const { text } = context.document.blocks[this.index] as ITextBlock;
    const growing = context.live && context.newest === this.index;
    if (text !== this.text || growing !== this.growing) {
      this.text = text;
      this.growing = growing;
      this.answer.update(text, growing);
    }
  }

  dispose(): void {
    this.answer.dispose();
  }
}
