/** Holds buttons and fields, so that the keyboard still reaches them and a screen reader says why they do nothing. */

import { attrs } from '../../dom/elements';

/** Hold a button, which the line with the id `why` then describes, or release it. */
export function hold(node: Element, held: boolean, why: string): void {
  attrs(node, {
    'aria-disabled': held ? 'true' : null,
    'aria-describedby': held ? why : null
  });
}

/** Lock all fields in a node, or unlock them. */
export function lockFields(node: Element, locked: boolean): void {
  const fields = node.querySelectorAll<
    HTMLTextAreaElement | HTMLInputElement | HTMLSelectElement
  >('textarea, input, select');
  for (const field of Array.from(fields)) {
    if (field.matches('select, [type=checkbox]')) {
      // Browsers can make only typed text read-only.
      field.disabled = locked;
    } else {
      (field as HTMLTextAreaElement | HTMLInputElement).readOnly = locked;
    }
  }
  for (const editor of Array.from(node.querySelectorAll('.llm-editor'))) {
    // The box beside it may say that the value is null.
    const isOff = editor.getAttribute('aria-disabled') === 'true';
    attrs(editor, { contenteditable: locked || isOff ? 'false' : 'true' });
  }
}
