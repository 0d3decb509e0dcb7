/** Copies texts, and lets a button say "Copied" for a moment. */

import { trans } from './translation';

/** How long a button says "Copied", in milliseconds. */
export const COPIED_FOR = 1600;

/** The part of a host that copying needs. */
export interface ICopier {
  copy?: (text: string) => void;
}

/** Copy a text with the host's function, or with the browser's if the host has none. */
export function copyText(text: string, host: ICopier): void {
  if (host.copy) {
    host.copy(text);
  } else {
    void navigator.clipboard?.writeText(text);
  }
}

/** Copy a text and say so in the button's last text node. */
export function copyAndSay(
  text: string,
  host: ICopier,
  button: HTMLButtonElement
): void {
  copyText(text, host);
  const label = button.lastChild;
  const before = label?.textContent;
  const copied = trans.__('Copied');
  if (label && before && before !== copied) {
    label.textContent = copied;
    setTimeout(() => {
      label.textContent = before;
    }, COPIED_FOR);
  }
}
