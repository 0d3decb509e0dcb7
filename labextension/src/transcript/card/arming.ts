/** Tells when a card has been in view for a moment, before which it takes no consent. */

/** How long a card must be in view, in milliseconds. */
export const ARMED_AFTER = 500;

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
