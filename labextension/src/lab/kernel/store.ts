/**
 * Keeps the newest state of each transcript of one kernel. It knows neither the
 * kernel nor the page.
 *
 * A transcript has two sources: the copy in the notebook file, and the
 * documents and deltas that the kernel sends. A document from the kernel
 * outranks any copy that a page finds in the file, whatever their `seq` numbers
 * are. Between two copies in the file, and when a display update replaces one,
 * the newer document counts.
 *
 * A file can say anything, so a reader may act only on what the kernel has sent
 * (`isFromKernel`): a document that it sent whole, and the deltas since. A
 * delta does not make a copy from the file the kernel's word.
 *
 * A delta that does not follow the last one leaves a gap. The store then asks
 * the kernel for the whole document, once, and deltas have no effect until it
 * comes. It asks in the same way when a page is loaded or a connection is back,
 * but only for transcripts that are shown and that can still change or be acted
 * on.
 */

import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { isPending, reduce } from '../../transcript';
import type { FromKernel, IDelta, ITranscript } from '../../transcript';
import { trans } from '../../transcript/dom/translation';

/** An output's data by MIME type. */
export type Bundle = Record<string, unknown>;

/** What the followers of a transcript are notified of. */
export type Change =
  /** Show this document. */
  | { type: 'show'; document: ITranscript }
  /** Apply this delta to the document that is shown. */
  | { type: 'delta'; delta: IDelta }
  /** Write this into the notebook. */
  | { type: 'record'; document: ITranscript; bundle: Bundle }
  /** The document that is shown, if it has this number, belongs in the notebook. */
  | { type: 'settled'; seq: number }
  /** The kernel does not know the transcript. */
  | { type: 'gone' }
  /** What is shown may be out of date, so the kernel was asked for it. */
  | { type: 'asked' };

/** Is called with each change to a transcript that is followed. */
export type Follower = (change: Change) => void;

interface IEntry {
  document: ITranscript;
  /** Whether the kernel sent the whole document, so that the file's copy is older. */
  isFromKernel: boolean;
  /** Whether the kernel has said that it does not know the transcript. */
  isGone: boolean;
  /** Whether the whole document was asked for and has not arrived. */
  isRequested: boolean;
  /** The number of the newest document that the notebook was offered before the kernel said that it had settled. */
  offered: number;
  followers: Set<Follower>;
}

const stoppedTitle = (): string =>
  trans.__('The kernel stopped before the answer was complete.');
const stoppedText = (): string =>
  trans.__('What had arrived is kept. Run the cell again to go on.');

/** How many transcripts without followers are kept. */
const MAX_UNFOLLOWED = 50;

/** The transcripts of one kernel, by their ids. */
export class TranscriptStore {
  private readonly entries = new Map<string, IEntry>();

  private readonly moves = new Signal<this, void>(this);

  /** `resync` asks the kernel for a whole document, or for the record of it. */
  constructor(private readonly resync: (id: string, toKeep: boolean) => void) {}

  /** Emitted when a run over rows has begun or ended, and when something waits for a decision or no longer does. */
  get moved(): ISignal<this, void> {
    return this.moves;
  }

  /**
   * Follow a transcript that a notebook holds. From then on `get()` gives its
   * newest state, which is the notebook's copy until the kernel knows better.
   *
   * @returns a function that stops following.
   */
  follow(saved: ITranscript, follower: Follower): () => void {
    const entry = this.entryOf(saved);
    if (!entry.isFromKernel && saved.seq > entry.document.seq) {
      entry.document = saved;
    }
    entry.followers.add(follower);
    return () => {
      entry.followers.delete(follower);
      this.prune();
    };
  }

  /** Take in a copy that has replaced the notebook's, as a display update does. Returns the document to show. */
  takeReplacement(document: ITranscript): ITranscript {
    const entry = this.entryOf(document);
    if (!entry.isFromKernel || document.seq > entry.document.seq) {
      entry.document = document;
      if (entry.isFromKernel) {
        entry.isFromKernel = false;
        this.request(document.id);
      }
    }
    return entry.document;
  }

  /** Handle a message from the kernel. `isOurs` says that this page writes the record into the notebook. */
  receive(message: FromKernel, isOurs = true): void {
    switch (message.type) {
      case 'delta':
        this.receiveDelta(message);
        return;
      case 'state': {
        const { document } = message;
        const entry = this.accept(document);
        this.notify(entry, { type: 'show', document });
        if (isOurs) {
          this.offer(entry);
        }
        return;
      }
      case 'record': {
        const { document, bundle } = message;
        const entry = this.accept(document);
        this.notify(entry, { type: 'show', document });
        this.notify(entry, { type: 'record', document, bundle });
        return;
      }
      case 'settled':
        this.settle(message.id, message.seq, isOurs);
        return;
      case 'gone': {
        const entry = this.entries.get(message.id);
        if (entry) {
          entry.isGone = true;
          entry.isRequested = false;
          this.notify(entry, { type: 'gone' });
        }
      }
    }
  }

  /** The newest state of a transcript. */
  get(id: string): ITranscript | undefined {
    return this.entries.get(id)?.document;
  }

  /** The transcripts that the kernel writes now. */
  live(): ITranscript[] {
    return [...this.entries.values()]
      .filter(
        ({ isFromKernel, document }) =>
          isFromKernel && document.state === 'streaming'
      )
      .map(({ document }) => document);
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  /** Whether the newest state of a transcript comes from the kernel. */
  isFromKernel(id: string): boolean {
    return this.entries.get(id)?.isFromKernel ?? false;
  }

  /** Whether the kernel has said that it does not know this transcript. */
  isGone(id: string): boolean {
    return this.entries.get(id)?.isGone ?? false;
  }

  /** Ask the kernel for every transcript that is followed and can still change. */
  requestAll(): void {
    for (const [id, entry] of this.entries) {
      entry.isRequested = false;
      if (entry.followers.size > 0) {
        entry.isFromKernel = false;
        this.request(id);
        this.notify(entry, { type: 'asked' });
      }
    }
  }

  /** Ask the kernel for a transcript that it has not sent, if that can make a difference. */
  request(id: string): void {
    const entry = this.entries.get(id);
    if (
      entry &&
      canChange(entry.document) &&
      !entry.isFromKernel &&
      !entry.isRequested
    ) {
      entry.isRequested = true;
      this.resync(id, false);
    }
  }

  /** Ask the kernel for the record of a transcript, which the notebook does not hold. */
  requestRecord(id: string): void {
    const entry = this.entries.get(id);
    if (entry) {
      entry.isRequested = true;
      this.resync(id, true);
    }
  }

  /** The kernel was restarted: what it said before counts no more than the notebook's copy. */
  forget(): void {
    for (const entry of this.entries.values()) {
      entry.isFromKernel = entry.isGone = entry.isRequested = false;
    }
  }

  private receiveDelta(delta: IDelta): void {
    const entry = this.entries.get(delta.id);
    if (!entry) {
      return;
    }
    const { result, document } = reduce(entry.document, delta);
    if (result === 'gap' && !entry.isRequested) {
      entry.isRequested = true;
      this.resync(delta.id, false);
    }
    if (result === 'applied') {
      this.put(entry, document);
      this.notify(entry, { type: 'delta', delta });
    }
  }

  /**
   * Have the notebook store a document at rest. A page that was loaded while
   * the kernel finished has received neither its last updates nor the news that
   * it settled. Each document is offered once, since a kernel that has yet to
   * write its record answers with the document again; it will say when it has
   * settled.
   */
  private offer(entry: IEntry): void {
    const { seq, state } = entry.document;
    if (entry.offered < seq && state !== 'waiting' && state !== 'streaming') {
      entry.offered = seq;
      this.notify(entry, { type: 'settled', seq });
    }
  }

  /** Have the notebook store the document with this number, or ask for its record if not all of it has arrived here. */
  private settle(id: string, seq: number, isOurs: boolean): void {
    const entry = this.entries.get(id);
    if (!entry) {
      return;
    }
    // What was asked for before may have been left unanswered by a kernel that was busy, but it will come.
    if (isOurs) {
      this.notify(entry, { type: 'settled', seq });
    }
    if (entry.document.seq < seq && !entry.isRequested) {
      entry.isRequested = true;
      this.resync(id, false);
    }
  }

  /** The entry of a transcript, made if there is none. */
  private entryOf(document: ITranscript): IEntry {
    let entry = this.entries.get(document.id);
    if (!entry) {
      entry = {
        document,
        isFromKernel: false,
        isGone: false,
        isRequested: false,
        offered: -1,
        followers: new Set()
      };
      this.entries.set(document.id, entry);
    }
    return entry;
  }

  /** Take a whole document from the kernel. */
  private accept(document: ITranscript): IEntry {
    const entry = this.entryOf(document);
    this.put(entry, document);
    entry.isFromKernel = true;
    entry.isGone = entry.isRequested = false;
    this.prune();
    return entry;
  }

  private put(entry: IEntry, document: ITranscript): void {
    const before = entry.isFromKernel ? gist(entry.document) : '';
    entry.document = document;
    if (gist(document) !== before) {
      // The followers are told first.
      queueMicrotask(() => this.moves.emit());
    }
  }

  private notify(entry: IEntry, change: Change): void {
    for (const follower of [...entry.followers]) {
      follower(change);
    }
  }

  /** Forget the oldest transcripts that have no followers. */
  private prune(): void {
    const unfollowed = [...this.entries].filter(
      ([, entry]) => !entry.followers.size
    );
    for (const [id] of unfollowed.slice(
      0,
      Math.max(0, unfollowed.length - MAX_UNFOLLOWED)
    )) {
      this.entries.delete(id);
    }
  }
}

/** What of a transcript lists beside the notebook show. */
function gist({ blocks, job, state }: ITranscript): string {
  const waits = blocks.filter(isPending).length;
  return `${job && state === 'streaming'} ${waits}`;
}

/** Whether a transcript may still change: by itself, by a decision, because its answer is continued, or because cells that it held up are run. */
export function canChange(document: ITranscript): boolean {
  const { blocks, error, heldUp, state } = document;
  const isOver = state === 'done' || (state === 'failed' && error);
  return !isOver || blocks.some(isPending) || Boolean(heldUp?.length);
}

/**
 * The transcript as it is without a kernel that works on it. One that was saved
 * while it was streaming has failed, or it would seem to stream for ever.
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
      title: stoppedTitle(),
      text: stoppedText()
    }
  };
}
