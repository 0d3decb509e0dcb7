/** A card takes consent only after it has really been seen for a moment. */

export const ARMED_AFTER = 500;

/**
 * Calls back once, half a second after the node came into view.
 * @returns a function that gives it up.
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
