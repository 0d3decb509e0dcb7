/**
 * Shows a picture that a model has made.
 *
 * Only data that is in the document is shown, and only in formats that cannot
 * hold scripts. A picture that is stored elsewhere is a link, and nothing is
 * loaded automatically.
 */

import type { IPictureBlock } from '../protocol/document';
import { el, refill } from '../dom/elements';
import { visible } from '../dom/visible';
import type { IHost } from '../drawing/host';
import type { IContext, IPiece } from '../drawing/piece';
import { outsideLink, webAddress } from './markdown/links';
import { trans } from '../dom/translation';

const FORMATS = /^image\/(?:png|jpeg|gif|webp)$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The longest data that is shown, in characters. A saved notebook may hold anything; ours hold much less. */
const LONGEST = 4 * 1024 * 1024;

/** The piece of a picture block. */
export class PicturePiece implements IPiece {
  readonly node = el('figure', 'llm-picture');
  private drawn: IPictureBlock | null = null;
  private host: IHost = {};

  constructor(private readonly index: number) {}

  update(context: IContext): void {
    const block = context.document.blocks[this.index] as IPictureBlock;
    this.host = context.host;
    if (block === this.drawn) {
      return;
    }
    this.drawn = block;
    const url = webAddress(block.url ?? '');
    refill(
      this.node,
      imageOf(block, context.document.model),
      el(
        'figcaption',
        '',
        el('span', '', visible(block.caption)),
        url && outsideLink(url, () => this.host, url.host + url.pathname)
      )
    );
  }
}

function imageOf(
  { type, data }: IPictureBlock,
  model: string
): HTMLImageElement | null {
  if (!type || !data || data.length > LONGEST) {
    return null;
  }
  if (!FORMATS.test(type) || !BASE64.test(data)) {
    return null;
  }
  const image = el('img');
  image.alt = trans.__('Picture made by %1', model);
  image.decoding = 'async';
  image.src = `data:${type};base64,${data}`;
  return image;
}
