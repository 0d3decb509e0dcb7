/** Makes the text boxes of a form, in which hidden characters can be seen. */

import { attrs, el, refill } from '../../dom/elements';
import { mixedWordsNote } from '../../dom/scripts';
import { countHidden, visibleJson, withoutHidden } from '../../dom/visible';
import { canDraw, ChipEditor } from './chipEditor';

/** What the reader writes in, or chooses from. */
export interface IControl {
  readonly node: HTMLElement;
  /** What has the keyboard focus while the reader writes. It may become another element. */
  readonly input: HTMLElement;
  /** What is written, as JSON text; null if nothing is. */
  value(): string | null;
  /** The text as the reader sees it, without its quotes. */
  text(): string;
  /** Take the hidden characters away; missing where there is nothing to take away. */
  clean?(): void;
  disable(disabled: boolean): void;
}

/**
 * A box for a string: a field of the browser's, or an editor of our own once there
 * is something in the text that must be drawn.
 */
export class TextBox implements IControl {
  readonly node = el('div');
  input: HTMLElement;
  private readonly plain: HTMLInputElement | HTMLTextAreaElement;
  private editor: ChipEditor | null = null;

  constructor(text: string) {
    this.plain = makePlainBox(text);
    this.input = this.plain;
    refill(this.node, this.plain);
    this.plain.addEventListener('input', () => this.drawIfNeeded());
    if (mustDraw(text)) {
      this.draw(text);
    }
  }

  value(): string {
    return JSON.stringify(this.text());
  }

  text(): string {
    return this.editor?.value ?? this.plain.value;
  }

  clean(): void {
    const { editor, plain } = this;
    if (editor) {
      editor.replace(0, editor.value.length, withoutHidden(editor.value));
    } else {
      plain.value = withoutHidden(plain.value);
      this.tell();
    }
  }

  disable(disabled: boolean): void {
    this.plain.disabled = disabled;
    if (this.editor) {
      attrs(this.editor.node, {
        contenteditable: String(!disabled),
        'aria-disabled': disabled ? 'true' : null
      });
    }
  }

  private tell(): void {
    this.node.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** Put our own editor in the place of the browser's field. */
  private draw(value: string): ChipEditor {
    const { id } = this.input;
    const editor = new ChipEditor(value, () => this.tell());
    this.editor = editor;
    editor.node.id = id;
    this.input = editor.node;
    refill(this.node, editor.node);
    return editor;
  }

  /** Draw the text of the browser's field if it must be, and keep the caret where it is. */
  private drawIfNeeded(): void {
    const { plain } = this;
    if (this.editor || !mustDraw(plain.value)) {
      return;
    }
    const at = plain.selectionEnd ?? plain.value.length;
    const hadFocus = plain.ownerDocument.activeElement === plain;
    const editor = this.draw(plain.value);
    if (hadFocus) {
      editor.node.focus({ preventScroll: true });
      editor.placeCaret(at);
    }
  }
}

/** Whether a text holds something that the browser's own field would not show. */
function mustDraw(text: string): boolean {
  return (
    (countHidden(text) > 0 || mixedWordsNote(text) !== '') && canDraw(text)
  );
}

function makePlainBox(text: string): HTMLInputElement | HTMLTextAreaElement {
  const long = text.length > 60 || text.includes('\n');
  const input = long ? makeArea(text) : el('input', 'llm-input');
  attrs(input, { spellcheck: 'false', autocomplete: 'off' });
  input.value = text;
  return input;
}

/** Make a field of several lines. */
export function makeArea(text: string): HTMLTextAreaElement {
  const rows = Math.min(10, Math.max(2, text.split('\n').length + 1));
  const input = attrs(el('textarea', 'llm-input'), {
    rows: String(rows),
    spellcheck: 'false'
  });
  input.value = text;
  return input;
}

/** Write hidden characters that come into a field of JSON as escapes. */
export function writeVisibly(input: HTMLTextAreaElement): void {
  input.addEventListener('input', () => {
    const shown = visibleJson(input.value);
    if (shown !== input.value) {
      const after = visibleJson(input.value.slice(input.selectionEnd));
      input.value = shown;
      input.selectionEnd = shown.length - after.length;
    }
  });
}
