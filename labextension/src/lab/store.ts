/** The transcripts that one kernel tells about, as far as they have come. Knows neither kernels nor pages. */

import { reduce } from '../transcript';
import type { FromKernel, IDelta, ITranscript } from '../transcript';

export type Bundle = Record<string, unknown>;

/** What somebody who shows a transcript is told. */
export type Change =
  /** Show it as a whole. */
  | { type: 'show'; document: ITranscript }
  | { type: 'delta'; delta: IDelta }
  /** This belongs into the notebook's file now. */
  | { type: 'record'; document: ITranscript; bundle: Bundle }
  /** The kernel knows nothing of it. */
  | { type: 'gone' };

export type Follower = (change: Change) => void;

interface IEntry {
  document: ITranscript;
  /** The kernel has told of it, so that what a file says is older. */
  told: boolean;
  gone: boolean;
  /** The whole was asked for and has not come yet. */
  asked: boolean;
  followers: Set<Follower>;
}

const STOPPED = 'The kernel stopped before the answer was complete.';
const KEEPS = 'What had arrived is kept. Run the cell again to go on.';

/** Transcripts that nobody shows are kept up to this number. */
const KEPT = 50;

export class TranscriptStore {
  private readonly entries = new Map<string, IEntry>();

  /** `resync` asks the kernel for the whole of a transcript. */
  constructor(private readonly resync: (id: string) => void) {}

  /**
   * Follow a transcript that a notebook holds. `get()` gives its newest state,
   * which is the notebook's own until the kernel tells more.
   *
   * Returns how to stop.
   */
  follow(saved: ITranscript, follower: Follower): () => void {
    const entry = this.entry(saved);
    if (!entry.told && saved.seq > entry.document.seq) {
      entry.document = saved;
    }
    entry.followers.add(follower);
    return () => {
      entry.followers.delete(follower);
      this.tidy();
    };
  }

  /** The notebook's copy was replaced by a newer one, as a display update does. Returns what is to be shown. */
  replaced(document: ITranscript): ITranscript {
    const entry = this.entry(document);
    if (!entry.told || document.seq > entry.document.seq) {
      entry.document = document;
    }
    return entry.document;
  }

  /** Take what the kernel says. */
  receive(message: FromKernel): void {
    switch (message.type) {
      case 'delta':
        this.receiveDelta(message);
        return;
      case 'state':
        this.tell(this.take(message.document), {
          type: 'show',
          document: message.document
        });
        return;
      case 'record': {
        const { document, bundle } = message;
        const entry = this.take(document);
        this.tell(entry, { type: 'show', document });
        this.tell(entry, { type: 'record', document, bundle });
        return;
      }
      case 'gone': {
        const entry = this.entries.get(message.id);
        if (entry) {
          entry.gone = true;
          entry.asked = false;
          this.tell(entry, { type: 'gone' });
        }
      }
    }
  }

  /** The newest state of a transcript that was followed or told of. */
  get(id: string): ITranscript | undefined {
    return this.entries.get(id)?.document;
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  /** The kernel has said that it knows nothing of this transcript. */
  isGone(id: string): boolean {
    return this.entries.get(id)?.gone ?? false;
  }

  /** Ask for every transcript that is on a page and can still change. */
  ask(): void {
    for (const [id, entry] of this.entries) {
      entry.asked = false;
      if (entry.followers.size > 0) {
        entry.told = false;
        this.askFor(id);
      }
    }
  }

  /** Ask for a transcript that can still change, where the kernel has not told of it. */
  askFor(id: string): void {
    const entry = this.entries.get(id);
    if (entry && canChange(entry.document) && !entry.told && !entry.asked) {
      entry.asked = true;
      this.resync(id);
    }
  }

  /** The kernel began anew: what it told before is now only what the notebook shows. */
  forget(): void {
    for (const entry of this.entries.values()) {
      entry.told = entry.gone = entry.asked = false;
    }
  }

  private receiveDelta(delta: IDelta): void {
    const entry = this.entries.get(delta.id);
    if (!entry) {
      return;
    }
    const { result, document } = reduce(entry.document, delta);
    if (result === 'gap' && !entry.asked) {
      entry.asked = true;
      this.resync(delta.id);
    }
    if (result === 'applied') {
      entry.document = document;
      entry.told = true;
      this.tell(entry, { type: 'delta', delta });
    }
  }

  private entry(document: ITranscript): IEntry {
    let entry = this.entries.get(document.id);
    if (!entry) {
      entry = {
        document,
        told: false,
        gone: false,
        asked: false,
        followers: new Set()
      };
      this.entries.set(document.id, entry);
    }
    return entry;
  }

  private take(document: ITranscript): IEntry {
    const entry = this.entry(document);
    entry.document = document;
    entry.told = true;
    entry.gone = entry.asked = false;
    this.tidy();
    return entry;
  }

  private tell(entry: IEntry, change: Change): void {
    for (const follower of [...entry.followers]) {
      follower(change);
    }
  }

  private tidy(): void {
    const idle = [...this.entries].filter(([, entry]) => !entry.followers.size);
    for (const [id] of idle.slice(0, Math.max(0, idle.length - KEPT))) {
      this.entries.delete(id);
    }
  }
}

/** Whether a transcript can go on by itself or by a decision. */
export function canChange(document: ITranscript): boolean {
  return ['waiting', 'streaming', 'paused'].includes(document.state);
}

/**
 * How a transcript reads that no kernel is working at any more: a saved
 * "streaming" would never end.
 */
export function atRest(document: ITranscript): ITranscript {
  if (document.state !== 'waiting' && document.state !== 'streaming') {
    return document;
  }
  return {
    ...document,
    state: 'failed',
    notice: null,
    blocks: document.blocks.map(block => {
      if (block.kind !== 'call') {
        return block;
      }
      switch (block.status) {
        case 'running':
          return { ...block, status: 'unknown' };
        case 'writing':
        case 'queued':
          return { ...block, status: 'cancelled' };
        default:
          return block;
      }
    }),
    error: {
      kind: 'error',
      title: STOPPED,
      text: KEEPS
    }
  };
}
