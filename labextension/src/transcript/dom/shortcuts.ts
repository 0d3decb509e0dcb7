/** Keeps JupyterLab's keyboard shortcuts out of a card and of controls that the keyboard has reached. */

const SUPPRESSES = 'data-lm-suppress-shortcuts';

/** Suppress shortcuts below a node while the keyboard focus is where a reader types or decides. */
export function suppressShortcuts(root: HTMLElement): void {
  root.addEventListener('focusin', event => {
    const target = event.target as HTMLElement;
    if (target.closest('.llm-ask') || isKeyboardFocus(target)) {
      root.setAttribute(SUPPRESSES, 'true');
    }
  });
  root.addEventListener('focusout', () => root.removeAttribute(SUPPRESSES));
}

function isKeyboardFocus(target: HTMLElement): boolean {
  try {
    return target.matches(':focus-visible');
  } catch {
    return false;
  }
}
