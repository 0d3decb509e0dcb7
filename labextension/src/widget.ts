/**
 * The module of the live widget: a transcript where no extension of ours shows
 * it. Its model has the document as a trait, each delta as a key `d1`, `d2`, …
 * of its own, and takes messages of the forms in `document.ts`.
 */

import { TranscriptView } from './transcript';
import type {
  FromKernel,
  IDelta,
  IHost,
  ITranscript,
  ToKernel
} from './transcript';
import { VERSION } from './version';

/** What anywidget gives of the kernel's model. */
export interface IWidgetModel {
  get(name: string): unknown;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback: (...args: never[]) => void): void;
  send(message: ToKernel): void;
}

/** How long the text of a long value may take to come, in milliseconds. */
const VALUE_WITHIN = 20_000;

class Widget {
  private readonly view: TranscriptView;
  private readonly asked = new Map<string, (text: string) => void>();
  private readonly onChange = (): void => this.catchUp();
  private readonly onMessage = (message: FromKernel): void =>
    this.receive(message);
  private resyncing = false;

  constructor(
    private readonly model: IWidgetModel,
    el: HTMLElement
  ) {
    const host: IHost = {
      act: action => {
        model.send(action);
        return Promise.resolve();
      },
      value: (request, name) => this.value(request, name)
    };
    this.view = new TranscriptView(el, host);
    model.on('change', this.onChange);
    model.on('msg:custom', this.onMessage);
    this.catchUp();
  }

  dispose(): void {
    this.model.off('change', this.onChange);
    this.model.off('msg:custom', this.onMessage);
    this.view.dispose();
  }

  /** Show the newest document that the model has, and the deltas after it. */
  private catchUp(): void {
    const full = this.model.get('document') as ITranscript | undefined;
    const shown = this.view.document;
    if (full?.id && (!shown || shown.id !== full.id || full.seq > shown.seq)) {
      this.view.show(full);
    }
    for (;;) {
      const seq = (this.view.document?.seq ?? NaN) + 1;
      const delta = this.model.get(`d${seq}`) as IDelta | undefined;
      if (!delta || this.applied(delta) !== 'applied') {
        return;
      }
    }
  }

  private applied(delta: IDelta): 'applied' | 'old' | 'gap' {
    const result = this.view.apply(delta);
    if (result === 'gap') {
      this.resync();
    }
    return result;
  }

  private resync(): void {
    const { document } = this.view;
    if (document && !this.resyncing) {
      this.resyncing = true;
      this.model.send({ type: 'resync', id: document.id });
    }
  }

  private receive(message: FromKernel): void {
    switch (message?.type) {
      case 'delta':
        this.applied(message);
        return;
      case 'state':
      case 'record':
        this.resyncing = false;
        this.show(message.document);
        return;
      case 'value': {
        const key = keyOf(message.request, message.name);
        this.asked.get(key)?.(message.text);
        this.asked.delete(key);
        return;
      }
      case 'gone':
        this.view.setHost({
          blocked: 'This kernel does not know this answer. Run the cell again.'
        });
    }
  }

  private show(document: ITranscript): void {
    const shown = this.view.document;
    if (!shown || document.id !== shown.id || document.seq >= shown.seq) {
      this.view.show(document);
      this.catchUp();
    }
  }

  private value(request: string, name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const key = keyOf(request, name);
      const timer = setTimeout(() => {
        this.asked.delete(key);
        reject(new Error('The kernel is busy. Try again when it is free.'));
      }, VALUE_WITHIN);
      this.asked.set(key, text => {
        clearTimeout(timer);
        resolve(text);
      });
      this.model.send({ type: 'value', request, name });
    });
  }
}

function keyOf(request: string, name: string): string {
  return JSON.stringify([request, name]);
}

export default {
  /** Once per model: say that somebody is here. */
  initialize({ model }: { model: IWidgetModel }): void {
    model.send({ type: 'hello', by: 'widget', version: VERSION });
  },
  /** Once per view; returns what takes it off the page. */
  render({ model, el }: { model: IWidgetModel; el: HTMLElement }): () => void {
    const widget = new Widget(model, el);
    return () => widget.dispose();
  }
};
