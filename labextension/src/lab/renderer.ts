/**
 * Shows a transcript in an output, and keeps the notebook's copy up to date.
 *
 * A renderer follows its transcript in the store of its kernel's bus. It starts
 * over when it is attached, because only then can it find its cell, and when
 * the kernel changes. A display update usually brings the record into the
 * notebook, but it is lost if the page was reloaded while the cell ran. So the
 * renderer writes the record itself, unless the notebook has it already.
 */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { PartialJSONObject } from '@lumino/coreutils';
import { JSONExt } from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { MIME_TYPE, readSaved, TranscriptView } from '../transcript';
import type { ITranscript } from '../transcript';
import type { KernelBus } from './kernel/bus';
import type { IPlace, Rescue } from './notebook/place';
import { atRest } from './kernel/store';
import type { Bundle, Change } from './kernel/store';

/** Ranks our renderer above that of widgets (-10), which the same output may hold too. */
export const RANK = -100;

/** The widget that shows one transcript in an output. */
export class TranscriptRenderer
  extends Widget
  implements IRenderMime.IRenderer
{
  private readonly view: TranscriptView;
  private model: IRenderMime.IMimeModel | null = null;
  private following: { bus: KernelBus | null; id: string } | null = null;
  private unfollow: () => void = () => undefined;
  private rescue: Rescue | null = null;

  constructor(private readonly place: IPlace) {
    super();
    this.view = new TranscriptView(this.node, {}, () => import('./formulas'));
    place.changed.connect(this.reconnect, this);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const document = transcriptOf(model);
    this.model = model;
    if (!document) {
      this.showUnreadable();
      return;
    }
    const { following } = this;
    if (following?.id === document.id && following.bus) {
      this.present(following.bus.store.takeReplacement(document));
    } else {
      this.follow(document);
    }
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.bringBack();
      this.unfollow();
      this.view.dispose();
      super.dispose();
    }
  }

  /** Find the cell, which is possible only from here on, and ask for what this page may have missed. */
  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.rescue = this.place.rescuer(this);
    this.reconnect();
    const { following } = this;
    if (following && !this.place.ranHere(this)) {
      following.bus?.store.request(following.id);
    }
  }

  /** If a reader has cleared the outputs of the cell, show an answer again that is still being written. */
  private bringBack(): void {
    const { following, rescue } = this;
    const store = following?.bus?.store;
    const now = (): ITranscript | undefined => store?.get(following!.id);
    if (rescue && /^(?:waiting|streaming)$/.test(now()?.state ?? '')) {
      // After the outputs have been cleared.
      setTimeout(() => rescue(now()!));
    }
  }

  /** Follow the transcript in the current place. */
  private reconnect(): void {
    const document = this.model && transcriptOf(this.model);
    if (document) {
      this.follow(document);
    }
  }

  private follow(saved: ITranscript): void {
    const { bus } = this.place;
    if (this.following?.id !== saved.id || this.following.bus !== bus) {
      this.unfollow();
      this.unfollow =
        bus?.store.follow(saved, change => this.receive(change)) ??
        (() => undefined);
      this.following = { bus, id: saved.id };
    }
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
      case 'settled':
        this.settle(change.seq);
        return;
      case 'gone':
      case 'asked':
        this.reconnect();
    }
  }

  /** Show a document as it is, or at rest if no kernel works on it. */
  private present(document: ITranscript): void {
    const { bus } = this.place;
    const isLive =
      bus && bus.state !== 'absent' && !bus.store.isGone(document.id);
    const next = isLive ? document : atRest(document);
    this.view.show(next, this.place.host(document.id, this));
    if (next !== document) {
      this.keep(next);
    }
  }

  /** Write a document at rest if it is newer than the notebook's copy: its kernel died and will send no record. */
  private keep(document: ITranscript): void {
    const { model } = this;
    const held = model && transcriptOf(model);
    if (model && held && held.seq < document.seq) {
      this.write({ ...model.data, [MIME_TYPE]: document });
    }
  }

  /**
   * Have the notebook store the document with this number. An update of the
   * output has already done so, unless this page was loaded during the run.
   */
  private settle(seq: number): void {
    const { following, model } = this;
    const held = model && transcriptOf(model);
    if (following && held && held.seq < seq) {
      following.bus?.store.requestRecord(following.id);
    }
  }

  /** Replace the notebook's copy, unless it is the same. */
  private write(bundle: Bundle): void {
    const { model } = this;
    const data = bundle as PartialJSONObject;
    if (model && !JSONExt.deepEqual(model.data as PartialJSONObject, data)) {
      model.setData({ data, metadata: model.metadata });
    }
  }

  /** Say that this version cannot read what was saved. */
  private showUnreadable(): void {
    this.unfollow();
    this.unfollow = () => undefined;
    this.following = null;
    this.view.showUnreadable();
  }
}

/** The transcript in an output; null if there is none that this version can read. */
function transcriptOf(model: IRenderMime.IMimeModel): ITranscript | null {
  return readSaved(model.data);
}

/** A factory that makes the renderers of one place. */
export function transcriptFactory(place: IPlace): IRenderMime.IRendererFactory {
  return {
    safe: true,
    mimeTypes: [MIME_TYPE],
    defaultRank: RANK,
    createRenderer: () => new TranscriptRenderer(place)
  };
}
