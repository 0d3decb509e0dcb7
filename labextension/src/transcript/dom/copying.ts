/** Copy buttons: they say "Copied" for a moment. */

/** How long "Copied" stays, in milliseconds. */
export const SHOWN_FOR = 1600;

/** Something that may have its own way to reach the clipboard. */
export interface ICopier {
  copy?: (text: string) => void;
}

/** Copy a text by the host's way or the browser's. */
export function copyText(text: string, host: ICopier): void {
  if (host.copy) {
    host.copy(text);
  } else {
    void navigator.clipboard?.writeText(text);
  }
}

/** Copy a text and say so at the end of the button. */
export function copyAndSay(
  text: string,
  host: ICopier,
  button: HTMLButtonElement
): void {
  copyText(text, host);
  const label = button.lastChild;
  const before = label?.textContent;
  if (label && before && before !== 'Copied') {
    label.textContent = 'Copied';
    setTimeout(() => {
      label.textContent = before;
    }, SHOWN_FOR);
  }
}
