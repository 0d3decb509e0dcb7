/** Shows a saved or live transcript in an output, and keeps the notebook's copy of it true. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { PartialJSONObject } from '@lumino/coreutils';
import { JSONExt } from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { MIME_TYPE, TranscriptView } from '../transcript';
import type { ITranscript } from '../transcript';
import type { KernelBus } from './bus';
import type { IPlace } from './place';
import { atRest } from './store';
import type { Bundle, Change } from './store';

/** Above widgets (-10), which the same output may hold too. */
export const RANK = -100;

export class TranscriptRenderer
  extends Widget
  implements IRenderMime.IRenderer
{
  private readonly view: TranscriptView;
  private model: IRenderMime.IMimeModel | null = null;
  private following: { bus: KernelBus | null; id: string } | null = null;
  private stop: () => void = () => undefined;

  constructor(private readonly place: IPlace) {
    super();
    this.view = new TranscriptView(this.node, {});
    place.changed.connect(this.reconnect, this);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const document = transcriptOf(model);
    this.model = model;
    if (!document) {
      this.showText(model);
      return;
    }
    const { following } = this;
    if (following?.id === document.id && following.bus) {
      this.present(following.bus.store.replaced(document));
    } else {
      this.follow(document);
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.stop();
      this.view.dispose();
      super.dispose();
    }
  }

  /** Only now is it known which cell this belongs to. */
  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.reconnect();
    const { following } = this;
    if (following && !this.place.ranHere(this)) {
      following.bus?.store.askFor(following.id);
    }
  }

  private reconnect(): void {
    const document = this.model && transcriptOf(this.model);
    if (document) {
      this.follow(document);
    }
  }

  private follow(saved: ITranscript): void {
    const { bus } = this.place;
    if (this.following?.id !== saved.id || this.following.bus !== bus) {
      this.stop();
      this.stop =
        bus?.store.follow(saved, change => this.receive(change)) ??
        (() => undefined);
      this.following = { bus, id: saved.id };
    }
    this.view.setHost(this.place.host(saved.id, this));
    this.present(bus?.store.get(saved.id) ?? saved);
  }

  private receive(change: Change): void {
    switch (change.type) {
      case 'show':
        this.present(change.document);
        return;
      case 'delta':
        if (this.view.apply(change.delta) !== 'applied') {
          this.reconnect();
        }
        return;
      case 'record':
        this.write(change.bundle);
        return;
      case 'gone':
        this.reconnect();
    }
  }

  private present(document: ITranscript): void {
    const { bus } = this.place;
    const isWorkedAt =
      bus && bus.state !== 'absent' && !bus.store.isGone(document.id);
    const next = isWorkedAt ? document : atRest(document);
    if (this.view.document !== next) {
      this.view.show(next);
    }
    if (next !== document) {
      this.keep(next);
    }
  }

  /** Its kernel died, so no record will come: what had arrived is more than the notebook holds. */
  private keep(document: ITranscript): void {
    const { model } = this;
    const held = model && transcriptOf(model);
    if (model && held && held.seq < document.seq) {
      this.write({ ...model.data, [MIME_TYPE]: document });
    }
  }

  /**
   * Replace what the notebook holds, unless it is that already: a display
   * update does it too, but is lost where the page has been reloaded since.
   */
  private write(bundle: Bundle): void {
    const { model } = this;
    const data = bundle as PartialJSONObject;
    if (model && !JSONExt.deepEqual(model.data as PartialJSONObject, data)) {
      model.setData({ data, metadata: model.metadata });
    }
  }

  /** What this version cannot read is shown as its text. */
  private showText(model: IRenderMime.IMimeModel): void {
    const text = document.createElement('pre');
    text.textContent = String(model.data['text/plain'] ?? '');
    this.node.replaceChildren(text);
  }
}

/** The transcript of an output, null where it is none that this version knows. */
function transcriptOf(model: IRenderMime.IMimeModel): ITranscript | null {
  const value = model.data[MIME_TYPE] as ITranscript | undefined;
  return value?.version === 1 &&
    typeof value.id === 'string' &&
    Array.isArray(value.blocks)
    ? value
    : null;
}

/** Makes the renderers of one place. */
export function transcriptFactory(place: IPlace): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: RANK,
    createRenderer: () => new TranscriptRenderer(place)
  };
}
