/** Makes links to places outside the notebook, which are followed only at a click. */

import { el } from '../dom/elements';
import type { Child } from '../dom/elements';
import type { IHost } from '../host';

/** The address of a page on the web; null for every other text. */
export function webAddress(text: string): URL | null {
  try {
    const url = new URL(text);
    const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
    return isWeb && !url.username && !url.password ? url : null;
  } catch {
    return null;
  }
}

/** A link that opens beside the notebook, and tells the page that it leads to nothing about the notebook. */
export function outsideLink(
  url: URL,
  host: () => IHost,
  ...label: Child[]
): HTMLAnchorElement {
  const link = el('a', '', ...label);
  link.href = url.href;
  link.target = '_blank';
  link.rel = 'noopener noreferrer';
  link.addEventListener('click', event => {
    const open = host().openLink;
    if (open) {
      event.preventDefault();
      open(url.href);
    }
  });
  return link;
}
