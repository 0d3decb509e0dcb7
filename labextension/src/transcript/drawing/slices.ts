/**
 * Draws what takes long in slices, one for each frame, so that the page stays
 * responsive in between. A drawing decides by itself where it can stop: it asks
 * `isSpent` after each piece, and continues with `later`.
 */

/** How many milliseconds a slice has. */
const SLICE = 10;

/** The slices of one transcript. */
export class Slices {
  private readonly waiting = new Set<() => void>();
  private frame = 0;
  private until = 0;

  /** Begin a slice. */
  begin(): void {
    this.until = performance.now() + SLICE;
  }

  /** Whether the slice's time is over. */
  get isSpent(): boolean {
    return performance.now() > this.until;
  }

  /** Continue with the next frame. */
  later(draw: () => void): void {
    this.waiting.add(draw);
    this.frame ||= requestAnimationFrame(time => this.drawWaiting(time));
  }

  /** Whether this continues with the next frame. */
  isWaiting(draw: () => void): boolean {
    return this.waiting.has(draw);
  }

  /** Drop what was to continue. */
  cancel(draw: () => void): void {
    this.waiting.delete(draw);
  }

  private drawWaiting(time: number): void {
    this.frame = 0;
    // What has been drawn for this frame already, with a delta, is laid out with it too.
    if (this.until < time + SLICE) {
      this.begin();
      for (const draw of [...this.waiting]) {
        if (this.isSpent) {
          break;
        }
        this.waiting.delete(draw);
        draw();
      }
    }
    if (this.waiting.size && !this.frame) {
      this.frame = requestAnimationFrame(next => this.drawWaiting(next));
    }
  }
}
