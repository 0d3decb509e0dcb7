/** Puts off what would replace a button while somebody presses it, because a click needs the same button at both of its ends. */

export class Holding {
  private isHeld = false;
  private later: (() => void) | null = null;

  /** @param node holds the buttons. */
  constructor(node: HTMLElement) {
    node.addEventListener('pointerdown', () => this.hold());
    node.addEventListener('keydown', ({ key }) => key === ' ' && this.hold());
  }

  /** Do something now, or as soon as nothing is pressed; then only what came last. */
  act(act: () => void): void {
    if (this.isHeld) {
      this.later = act;
    } else {
      act();
    }
  }

  private hold(): void {
    if (!this.isHeld) {
      this.isHeld = true;
      const ends = ['pointerup', 'pointercancel', 'keyup', 'blur'];
      const release = (): void => {
        ends.forEach(end =>
          window.removeEventListener(end, release, end !== 'blur')
        );
        this.isHeld = false;
        // The click comes first.
        setTimeout(() => {
          const { later } = this;
          this.later = null;
          later?.();
        });
      };
      // Elements lose the focus while the window keeps it: only its own loss counts.
      ends.forEach(end =>
        window.addEventListener(end, release, end !== 'blur')
      );
    }
  }
}
