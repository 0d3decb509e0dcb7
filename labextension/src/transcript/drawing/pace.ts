/**
 * Sets the pace of drawing: with the next frame, or later if drawing has been
 * slow, so that the page stays responsive while much arrives.
 */

/** The share of the time that a view may spend on drawing. */
const DRAWING_SHARE = 0.25;

/** A drawing counts as this many milliseconds at most, because it may have been slow for other reasons. */
const MAX_DRAWING_TIME = 60;

/** Calls a function that draws, at the right pace. */
export class Pace {
  /** The frame and the timer that a drawing waits for. */
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private notBefore = 0;

  constructor(private readonly draw: () => void) {}

  /** Draw as soon as the pace allows. */
  soon(): void {
    if (this.frame || this.timer) {
      return;
    }
    const wait = this.notBefore - performance.now();
    if (wait > 4) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.soon();
      }, wait);
      return;
    }
    this.frame = requestAnimationFrame(() => this.now());
  }

  /** Draw at once. */
  now(): void {
    this.cancel();
    const began = performance.now();
    const setPace = (): void => {
      const took = Math.min(performance.now() - began, MAX_DRAWING_TIME);
      this.notBefore = began + took / DRAWING_SHARE;
    };
    this.draw();
    setPace();
    // Measure again after layout and painting, which can take longer than the drawing.
    setTimeout(setPace);
  }

  /** Cancel the drawing that is due. */
  cancel(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.frame = 0;
    this.timer = undefined;
  }
}
