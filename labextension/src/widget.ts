/**
 * The module of the live widget, which shows a transcript in front ends without
 * our extension.
 *
 * Its model holds the document as one trait and each delta as another, `d1`,
 * `d2` and so on, because a page keeps traits even before it shows the widget.
 * A view starts with the document and applies the deltas in their order.
 * Another trait holds the module that sets formulas (`formulas/loading.ts`).
 * Everything else is sent as messages (`FromKernel`, `ToKernel`).
 *
 * The traits that a model begins with may come from a notebook file, which can
 * say anything. So a reader can act only once the kernel has sent the document
 * to this view: as its answer to `resync`, or as a new value of the trait.
 */

import { typesetterOf } from './formulas/loading';
import {
  readDelta,
  readMessage,
  readTranscript,
  TranscriptView
} from './transcript';
import type { IDelta, IHost, ITranscript, ToKernel } from './transcript';
import { VERSION } from './version';
import { trans } from './transcript/dom/translation';

/** The part of anywidget's model that is used here. */
export interface IWidgetModel {
  get(name: string): unknown;
  on(name: string, callback: (...args: never[]) => void): void;
  off(name: string, callback: (...args: never[]) => void): void;
  send(message: ToKernel): void;
}

const asking = (): string =>
  trans.__(
    'As saved. The kernel is busy or has ended; how it stands is known when it answers.'
  );
const gone = (): string =>
  trans.__(
    'As saved. This kernel does not know this answer. Run the cell again.'
  );

/** How long to wait for the text of a long value, in milliseconds. */
const VALUE_TIMEOUT = 20_000;

class Widget {
  private readonly view: TranscriptView;
  /** What to do with the text of a long value when it arrives. */
  private readonly waiting = new Map<string, (text: string) => void>();
  private readonly onChange = (): void => this.catchUp();
  private readonly onDocument = (): void => this.takeFromKernel(this.saved);
  private readonly onMessage = (message: unknown): void =>
    this.receive(message);
  /** Whether the whole document was asked for and has not arrived. */
  private isResyncing = false;
  private host: IHost = { live: true, blocked: asking() };

  constructor(
    private readonly model: IWidgetModel,
    el: HTMLElement
  ) {
    this.view = new TranscriptView(el, this.host, typesetterOf(model));
    model.on('change:document', this.onDocument);
    model.on('change', this.onChange);
    model.on('msg:custom', this.onMessage);
    this.catchUp();
    this.resync();
  }

  dispose(): void {
    this.model.off('change:document', this.onDocument);
    this.model.off('change', this.onChange);
    this.model.off('msg:custom', this.onMessage);
    this.view.dispose();
  }

  /** Show the model's document if it is newer, and apply the deltas that follow it. */
  private catchUp(): void {
    const full = this.saved;
    const shown = this.view.document;
    if (full && (!shown || shown.id !== full.id)) {
      this.view.show(full, this.host);
    }
    if (!full && !shown) {
      this.view.showUnreadable();
    }
    for (;;) {
      const seq = (this.view.document?.seq ?? NaN) + 1;
      const delta = readDelta(this.model.get(`d${seq}`));
      if (!delta || this.apply(delta) !== 'applied') {
        return;
      }
    }
  }

  private get saved(): ITranscript | null {
    return readTranscript(this.model.get('document'));
  }

  private apply(delta: IDelta): 'applied' | 'old' | 'gap' {
    const result = this.view.apply(delta);
    if (result === 'gap') {
      this.resync();
    }
    return result;
  }

  private resync(): void {
    const { document } = this.view;
    if (document && !this.isResyncing) {
      this.isResyncing = true;
      this.model.send({ type: 'resync', id: document.id });
    }
  }

  private receive(given: unknown): void {
    const message = readMessage(given);
    switch (message?.type) {
      case 'delta':
        this.apply(message);
        return;
      case 'state':
      case 'record':
        this.isResyncing = false;
        this.takeFromKernel(message.document);
        return;
      case 'settled':
        if ((this.view.document?.seq ?? 0) < message.seq) {
          this.resync();
        }
        return;
      case 'value': {
        const key = keyOf(message.request, message.name);
        this.waiting.get(key)?.(message.text);
        this.waiting.delete(key);
        return;
      }
      case 'gone':
        this.host = { blocked: gone() };
        this.view.setHost(this.host);
    }
  }

  /** Show a document that the kernel has sent. The reader can act on it. */
  private takeFromKernel(document: ITranscript | null): void {
    const shown = this.view.document;
    const isOld =
      this.host.act && document?.id === shown?.id && document && shown
        ? document.seq < shown.seq
        : false;
    if (!document || isOld) {
      return;
    }
    this.host = {
      live: true,
      act: action => {
        this.model.send(action);
        return Promise.resolve();
      },
      key: (transcript, name, key) => {
        this.model.send({ type: 'key', transcript, name, key });
        return Promise.resolve();
      },
      value: (request, name) => this.fetchValue(request, name)
    };
    this.view.show(document, this.host);
    this.catchUp();
  }

  private fetchValue(request: string, name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const key = keyOf(request, name);
      const timer = setTimeout(() => {
        this.waiting.delete(key);
        reject(
          new Error(trans.__('The kernel is busy. Try again when it is free.'))
        );
      }, VALUE_TIMEOUT);
      this.waiting.set(key, text => {
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
  /** Called once per model: tell the kernel that a page can show it. */
  initialize({ model }: { model: IWidgetModel }): void {
    model.send({ type: 'hello', by: 'widget', version: VERSION });
  },
  /** Called once per view. Returns a function that takes it off the page. */
  render({ model, el }: { model: IWidgetModel; el: HTMLElement }): () => void {
    const widget = new Widget(model, el);
    return () => widget.dispose();
  }
};
