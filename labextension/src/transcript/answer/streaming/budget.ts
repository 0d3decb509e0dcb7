/** How much of an answer is drawn in one frame. */

import type { Slices } from '../../drawing/slices';
import { UNSPACED_AT_ONCE, unspacedIn } from './portions';

/** This many characters of new text are drawn at once, even if the time of the slice is over. */
const AT_ONCE = 1000;

/** How many characters each block counts beyond its own, because its elements take time even if it is short. */
const EACH = 40;

/** What may still be drawn in this frame. */
export class Budget {
  /** How many more characters are drawn even if the time of the slice is over. */
  private atOnce = 0;
  /** How many more letters of scripts without spaces are drawn. They take time only when the page is laid out, after the slice. */
  private unspaced = UNSPACED_AT_ONCE;

  constructor(private readonly slices: Slices) {}

  /** Begin to draw what is new in a text. */
  beginUpdate(): void {
    this.atOnce = AT_ONCE;
  }

  beginFrame(): void {
    this.unspaced = UNSPACED_AT_ONCE;
  }

  /** Take what a portion of the text needs. */
  takePortion(text: string): void {
    this.unspaced -= unspacedIn(text);
  }

  /** Take what a block needs. */
  takeBlock(raw: string): void {
    this.atOnce -= raw.length + EACH;
  }

  get isSpent(): boolean {
    return this.atOnce <= 0 && (this.unspaced <= 0 || this.slices.isSpent);
  }
}
