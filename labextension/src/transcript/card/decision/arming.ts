/**
 * Decides when a card takes consent: when it has been in view for a moment in
 * which nothing about it has changed, such as its place on the page.
 */

/** How long a moment is, in milliseconds. */
const ARMED_AFTER = 500;

/** Watches whether one card may take consent. */
export class Arming {
  private isSeen = false;
  /** Runs while the card is disarmed because something has just changed. */
  private settling: ReturnType<typeof setTimeout> | undefined;
  private readonly unwatch: () => void;

  /** Watch a node that must be in view, and call back whenever one of the properties here changes. */
  constructor(
    node: Element,
    private readonly changed: () => void
  ) {
    this.unwatch = whenSeen(node, () => {
      this.isSeen = true;
      this.changed();
    });
  }

  /** Whether the reader has had time to read the card. */
  get wasSeen(): boolean {
    return this.isSeen;
  }

  /** Whether something has just changed. */
  get isSettling(): boolean {
    return this.settling !== undefined;
  }

  get isArmed(): boolean {
    return this.isSeen && !this.isSettling;
  }

  /** Take no consent for a moment, because something has just changed. */
  disarm(): void {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.settling = undefined;
      this.changed();
    }, ARMED_AFTER);
    this.changed();
  }

  dispose(): void {
    this.unwatch();
    clearTimeout(this.settling);
  }
}

/**
 * Call back half a second after at least half of the node came into view.
 * @returns a function that stops watching.
 */
export function whenSeen(node: Element, seen: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = (): void => {
    timer ??= setTimeout(seen, ARMED_AFTER);
  };
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  if (typeof IntersectionObserver === 'undefined') {
    start();
    return stop;
  }
  const observer = new IntersectionObserver(
    entries => {
      if (entries[entries.length - 1].isIntersecting) {
        start();
      } else {
        stop();
      }
    },
    { threshold: 0.5 }
  );
  observer.observe(node);
  return () => {
    observer.disconnect();
    stop();
  };
}
