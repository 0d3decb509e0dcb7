/** Shows a text block as code or as plain text. What the answer said around the code is in a fold. */

import type { IRaw, ITextBlock } from '../protocol/document';
import { arrange, el, refill } from '../dom/elements';
import { Fold } from '../dom/fold';
import { visibleNodes } from '../dom/visible';
import type { IHost } from '../drawing/host';
import type { IContext, IPiece } from '../drawing/piece';
import type { Slices } from '../drawing/slices';
import { codeBlock, type ICodeBlock } from './code/block';
import { rawNodes, sizeOf } from './table';
import { trans } from '../dom/translation';

/** The piece of a text block that is shown as code or plain text. */
export class CodePiece implements IPiece {
  readonly node = el('div');
  private readonly body = el('div', 'llm-answer');
  private block: ITextBlock | null = null;
  private growing = true;
  private code: ICodeBlock | null = null;
  private language = '';
  private readonly raw = new Fold(() => {
    refill(this.raw.body, ...rawNodes(this.block?.raw ?? { text: '' }));
  });

  constructor(
    private readonly index: number,
    private readonly slices: Slices,
    private readonly host: () => IHost
  ) {}

  update(context: IContext): void {
    const block = context.document.blocks[this.index] as ITextBlock;
    const growing = context.live && context.newest === this.index;
    if (block === this.block && growing === this.growing) {
      return;
    }
    this.block = block;
    this.growing = growing;
    this.draw(block, growing);
    arrange(this.node, [
      this.body,
      ...(block.raw ? [this.rawNode(block.raw)] : [])
    ]);
  }

  private draw({ text, look, language }: ITextBlock, growing: boolean): void {
    if (look === 'text') {
      refill(this.body, el('div', 'llm-as-it-is', ...visibleNodes(text)));
      return;
    }
    if (!this.code || this.language !== (language ?? '')) {
      this.language = language ?? '';
      this.code = codeBlock(text, this.language, this.host, this.slices, node =>
        this.body.contains(node)
      );
      refill(this.body, this.code.node);
    }
    this.code.update(text, growing);
  }

  private rawNode(raw: IRaw): Node {
    this.raw.showLine({
      glyph: 'text',
      words: [trans.__('The answer as it came')],
      when: [sizeOf(raw)]
    });
    this.raw.drawBody();
    return this.raw.node;
  }
}
