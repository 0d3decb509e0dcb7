/**
 * A text box that draws its text as a card does: a hidden character is one box,
 * which the caret steps over and Backspace deletes.
 *
 * A browser lays out the text of its own fields by itself, so a character that
 * reverses the direction of a line deceives there as it does elsewhere. Here
 * the value is kept apart from what is drawn: every edit is carried out on the
 * value, which is then drawn anew. That costs time in proportion to the text,
 * so the box is only for texts of a bounded size (`canDraw`).
 */

import { attrs, el, refill } from '../../dom/elements';
import { countHidden, visibleNodes } from '../../dom/visible';

const LONGEST = 20_000;
const MOST_HIDDEN = 200;

/** How many edits can be undone. */
const MOST_UNDONE = 200;

/** What was written, and where the selection was. */
interface IState {
  value: string;
  at: number;
}

/** Whether a text is short enough for this box. */
export function canDraw(text: string): boolean {
  return text.length <= LONGEST && countHidden(text) <= MOST_HIDDEN;
}

/** The text box. */
export class ChipEditor {
  readonly node = attrs(el('div', 'llm-input llm-editor'), {
    contenteditable: 'true',
    role: 'textbox',
    'aria-multiline': 'true',
    spellcheck: 'false'
  });
  private text = '';
  private readonly done: IState[] = [];
  private readonly undone: IState[] = [];

  /** `onInput` is called after every change by the reader. */
  constructor(
    value: string,
    private readonly onInput: () => void
  ) {
    this.value = value;
    this.node.addEventListener('beforeinput', event => this.edit(event));
    this.node.addEventListener('compositionend', () => this.takeComposed());
    this.node.addEventListener('keydown', event => this.onKey(event));
    // A change that no `beforeinput` event announces, such as one by an extension of the browser, is read afterwards.
    this.node.addEventListener('input', event => {
      if (!(event as InputEvent).isComposing) {
        this.takeComposed();
      }
    });
  }

  get value(): string {
    return this.text;
  }

  set value(value: string) {
    this.text = value;
    const nodes = visibleNodes(value);
    nodes.forEach(node => {
      if (isBox(node)) {
        attrs(node, { contenteditable: 'false' });
      }
    });
    // Without it, the empty line after a last line break would have no height and no place for the caret.
    const filler = /(^|\n)$/.test(value) && el('br');
    refill(this.node, ...nodes, filler);
  }

  /** Replace a part of the text, and put the caret after what was inserted. */
  replace(start: number, end: number, inserted: string): void {
    this.keep(this.done);
    this.undone.length = 0;
    this.put(
      this.text.slice(0, start) + inserted + this.text.slice(end),
      start + inserted.length
    );
  }

  /** Put the caret somewhere in the text. */
  placeCaret(at: number): void {
    const selection = this.node.ownerDocument.getSelection();
    const [container, offset] = this.pointAt(at);
    selection?.collapse(container, offset);
  }

  private put(value: string, at: number): void {
    this.value = value;
    this.placeCaret(at);
    this.onInput();
  }

  private keep(states: IState[]): void {
    states.push({ value: this.text, at: this.selected()?.[1] ?? 0 });
    states.splice(0, states.length - MOST_UNDONE);
  }

  private undo(from: IState[], to: IState[]): void {
    const state = from.pop();
    if (state) {
      this.keep(to);
      this.put(state.value, state.at);
    }
  }

  private edit(event: InputEvent): void {
    const { inputType } = event;
    if (event.isComposing || inputType === 'insertCompositionText') {
      // The browser itself must draw a composition, which is read when it ends.
      return;
    }
    event.preventDefault();
    if (inputType.startsWith('history')) {
      this.undo(
        ...(inputType === 'historyUndo'
          ? ([this.done, this.undone] as const)
          : ([this.undone, this.done] as const))
      );
      return;
    }
    if (!/^(insert|delete)/.test(inputType)) {
      return;
    }
    const range = this.rangeOf(event);
    if (range) {
      this.replace(...range, insertedBy(event));
    }
  }

  /** What an edit replaces. */
  private rangeOf(event: InputEvent): [number, number] | null {
    const selected = this.selected();
    if (selected && selected[0] === selected[1]) {
      const [at] = selected;
      // A browser would delete a whole cluster, and some browsers cannot delete a box.
      if (event.inputType === 'deleteContentBackward') {
        return [at - lengthBefore(this.text, at), at];
      }
      if (event.inputType === 'deleteContentForward') {
        return [at, at + lengthAfter(this.text, at)];
      }
    }
    const [target] = event.getTargetRanges();
    return target
      ? [
          this.offsetOf(target.startContainer, target.startOffset),
          this.offsetOf(target.endContainer, target.endOffset)
        ]
      : selected;
  }

  private selected(): [number, number] | null {
    const selection = this.node.ownerDocument.getSelection();
    if (!selection?.rangeCount) {
      return null;
    }
    const range = selection.getRangeAt(0);
    return this.node.contains(range.commonAncestorContainer)
      ? [
          this.offsetOf(range.startContainer, range.startOffset),
          this.offsetOf(range.endContainer, range.endOffset)
        ]
      : null;
  }

  /** Read what the browser has drawn by itself. */
  private takeComposed(): void {
    const read = textOf(this.node);
    if (read !== this.text) {
      const at = this.selected()?.[1] ?? read.length;
      this.keep(this.done);
      this.put(read, at);
    }
  }

  private onKey(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) {
      return;
    }
    const key = event.key.toLowerCase();
    if (key === 'z' && !event.shiftKey) {
      event.preventDefault();
      this.undo(this.done, this.undone);
    } else if (key === 'y' || key === 'z') {
      event.preventDefault();
      this.undo(this.undone, this.done);
    }
  }

  /** The position in the text of a point in the drawn nodes. */
  private offsetOf(container: Node, offset: number): number {
    const range = this.node.ownerDocument.createRange();
    range.setStart(this.node, 0);
    range.setEnd(container, offset);
    return textOf(range.cloneContents()).length;
  }

  /** The point in the drawn nodes of a position in the text. */
  private pointAt(at: number): [Node, number] {
    let left = at;
    const find = (parent: Node): [Node, number] | null => {
      for (let index = 0; index < parent.childNodes.length; index++) {
        const child = parent.childNodes[index];
        const { length } = textOf(child);
        if (left > length) {
          left -= length;
        } else if (child.nodeType === Node.TEXT_NODE) {
          return [child, left];
        } else if (isBox(child)) {
          return [parent, left === 0 ? index : index + 1];
        } else {
          return find(child) ?? [parent, index];
        }
      }
      return null;
    };
    return find(this.node) ?? [this.node, this.node.childNodes.length];
  }
}

function isBox(node: Node): node is HTMLElement {
  return node instanceof HTMLElement && node.dataset.hidden !== undefined;
}

/** The text that nodes stand for. */
function textOf(node: Node): string {
  if (node.nodeType === Node.TEXT_NODE) {
    return (node as Text).data;
  }
  if (isBox(node)) {
    const { hidden = '', times = '1' } = node.dataset;
    return String.fromCodePoint(parseInt(hidden, 16)).repeat(Number(times));
  }
  return Array.from(node.childNodes, textOf).join('');
}

function insertedBy({ data, dataTransfer, inputType }: InputEvent): string {
  if (inputType === 'insertParagraph' || inputType === 'insertLineBreak') {
    return '\n';
  }
  const text = dataTransfer?.getData('text/plain') || data || '';
  return inputType.startsWith('insert') ? text.replace(/\r\n?/g, '\n') : '';
}

function lengthBefore(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text[at - 1] ?? '') ? 2 : Math.min(1, at);
}

function lengthAfter(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff
    ? 2
    : Math.min(1, text.length - at);
}
