/** Puts a transcript on a page for a test, which sees and does there what a reader would. */

import { vi } from 'vitest';

import type { Action, ITranscript } from '../protocol/document';
import type { IHost } from '../drawing/host';
import { TranscriptView } from '../view';

/** A page with one transcript. */
export class Page {
  readonly actions: Action[] = [];
  readonly view: TranscriptView;
  readonly node = document.createElement('div');
  /** What the host does with an action. By default, it carries it out. */
  outcome: () => Promise<void> = () => Promise.resolve();

  /** Show a document on an empty page. The test must use fake timers. */
  constructor(document_: ITranscript, host: Partial<IHost> = {}) {
    document.body.replaceChildren(this.node);
    this.view = new TranscriptView(this.node, {
      act: action => {
        this.actions.push(action);
        return this.outcome();
      },
      ...host
    });
    this.view.show(document_);
  }

  /** Let time pass; by default the half second after which a card takes consent. */
  async wait(milliseconds = 500): Promise<void> {
    await vi.advanceTimersByTimeAsync(milliseconds);
  }

  /** The buttons with this label, in reading order. */
  buttons(label: string): HTMLButtonElement[] {
    return Array.from(this.node.querySelectorAll('button')).filter(
      node => node.textContent?.trim() === label
    );
  }

  button(label: string): HTMLButtonElement {
    const [found] = this.buttons(label);
    if (!found) {
      throw new Error(`There is no button "${label}".`);
    }
    return found;
  }

  /** Focus a button and press it. */
  press(label: string): void {
    this.button(label).focus();
    this.button(label).click();
  }

  field(label: string): HTMLInputElement | HTMLTextAreaElement {
    const found = Array.from(this.node.querySelectorAll('label')).find(node =>
      node.textContent?.includes(label)
    );
    return (found?.control ??
      document.getElementById(found?.htmlFor ?? '')) as HTMLInputElement;
  }

  write(label: string, text: string): void {
    const field = this.field(label);
    if (field.classList.contains('llm-editor')) {
      field.textContent = text;
    } else {
      field.value = text;
    }
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  key(key: string, modifiers: KeyboardEventInit = {}): void {
    document.activeElement?.dispatchEvent(
      new KeyboardEvent('keydown', {
        key,
        bubbles: true,
        cancelable: true,
        ...modifiers
      })
    );
  }

  text(selector: string): string {
    const found = this.node.querySelector(selector);
    return found?.textContent?.replace(/\s+/g, ' ').trim() ?? '';
  }

  get hint(): string {
    return this.text('.llm-ask .llm-hint:not([hidden])');
  }
}

/** Whether a button is held. Throws if it does not also say why. */
export function isHeld(button: HTMLButtonElement): boolean {
  const held = button.getAttribute('aria-disabled') === 'true';
  const why = button.getAttribute('aria-describedby');
  if (held !== Boolean(why)) {
    throw new Error('A held button names the line that says why.');
  }
  return held;
}
