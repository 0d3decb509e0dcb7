/**
 * The comm between one kernel and this page: transcripts come in, requests go
 * out.
 *
 * The kernel opens the comm when the package is loaded, and the page answers
 * with `hello`. A page cannot rely on that alone:
 *
 * - A page that is loaded later has missed it, and asks with `comm_info`.
 * - The kernel answers that only when it is idle. Until then, any comm message
 *   about a transcript on this page reveals the id of the comm. That is why
 *   messages are read from `iopubMessage` and not from the comm.
 * - A restart ends the comm. If another page restarted the kernel, this one is
 *   not told; it recognises the new process by the session in message headers.
 * - A lost connection may hide any of this, so once it is back the kernel is
 *   asked again, both for its comms and for the transcripts.
 *
 * Only one connection of a page to a kernel handles comms. The others receive
 * every message, but cannot ask for or send anything.
 */

import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { readMessage } from '../../transcript';
import type { FromKernel, ToKernel } from '../../transcript';
import { VERSION } from '../../version';
import { isEndOfCell, OverviewKeeper } from './overview';
import { lost, Questions } from './questions';
import { TranscriptStore } from './store';
import { trans } from '../../transcript/dom/translation';

/** The name of the comm target, which the kernel opens its comm to. */
export const TARGET = 'llm_notebook';

/** The code that loads the package. `%load_ext` would print a line if it were loaded already. */
export const LOAD =
  'get_ipython().extension_manager.load_extension("llm_notebook")';

/** The part of a kernel connection that a bus uses. */
export type IBusKernel = Pick<
  Kernel.IKernelConnection,
  | 'clientId'
  | 'connectionStatusChanged'
  | 'createComm'
  | 'disposed'
  | 'handleComms'
  | 'hasComm'
  | 'iopubMessage'
  | 'registerCommTarget'
  | 'requestCommInfo'
  | 'requestExecute'
  | 'statusChanged'
>;

/**
 * - `asking`: it is not known whether the package is loaded in the kernel;
 * - `absent`: it is not loaded, so no transcript of this kernel can change;
 * - `joined`: the comm is open.
 */
export type BusState = 'asking' | 'absent' | 'joined';

const notLoaded = (): string =>
  trans.__(
    'llm_notebook could not be loaded. Run %load_ext llm_notebook in a cell to see why.'
  );

/** The version that stands for a package that does not report one. */
const UNNAMED = 'older';

/** A caller that waits for the text of a long value. */
interface IWaiter {
  resolve: (text: string) => void;
  reject: (error: Error) => void;
}

/** The connection of this page to the package in one kernel. */
export class KernelBus {
  readonly store = new TranscriptStore((id, toKeep) =>
    this.send({ type: 'resync', id, ...(toKeep ? { record: true } : {}) })
  );

  readonly overview = new OverviewKeeper(
    () => this.send({ type: 'overview' }),
    () => this.changes.emit()
  );

  readonly questions = new Questions(question => this.send(question));

  private readonly changes = new Signal<this, void>(this);
  /** The callers that wait for a value, by request and name. */
  private readonly waiting = new Map<string, IWaiter[]>();
  /** The client sessions of other pages that have run cells. */
  private readonly otherPages = new Set<string>();
  private comm: Kernel.IComm | null = null;
  private current: BusState = 'asking';
  private packageVersion: string | null = null;
  private hasContext = false;
  /** Whether this connection can ask the kernel for comms. If not, the state may stay `asking`. */
  private canAsk = true;
  /** The kernel's own session, which is another one after a restart. */
  private kernelSession = '';
  private wasDisconnected = false;
  private isDisposed = false;

  /** Must be called as soon as there is a connection, because the comm target must be registered before a cell runs. */
  constructor(private readonly kernel: IBusKernel) {
    kernel.iopubMessage.connect(this.onMessage, this);
    kernel.statusChanged.connect(this.onStatus, this);
    kernel.connectionStatusChanged.connect(this.onConnection, this);
    kernel.disposed.connect(this.dispose, this);
    kernel.registerCommTarget(TARGET, (comm, { content }) =>
      this.join(comm, versionIn(content.data))
    );
    void this.findComm();
  }

  get state(): BusState {
    return this.current;
  }

  /**
   * The version of the package in the kernel, which the kernel reports when it
   * opens the comm and with each whole document. Null while it is not known.
   */
  get kernelVersion(): string | null {
    return this.packageVersion;
  }

  /** Whether cells of the notebook go with every prompt, even with one that does not ask for them. */
  get wantsCells(): boolean {
    return this.hasContext;
  }

  /** Whether the kernel has yet to answer. Until it does, what the notebook shows may be out of date. */
  get isAsking(): boolean {
    return this.current === 'asking' && this.canAsk;
  }

  /** Emitted when `state` or the overview changes. */
  get changed(): ISignal<this, void> {
    return this.changes;
  }

  /**
   * Whether this page should write a record into the notebook.
   *
   * It should not if another page ran the cell: if both pages wrote and saved
   * the notebook, JupyterLab would ask the user about a file that has changed.
   */
  private isOursToWrite(message: KernelMessage.IMessage): boolean {
    const { session } = message.parent_header as { session?: string };
    return !session || !this.otherPages.has(session);
  }

  /** Fetch the full text of a long value. */
  value(request: string, name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.current !== 'joined') {
        reject(new Error(lost()));
        return;
      }
      this.send({ type: 'value', request, name });
      const key = JSON.stringify([request, name]);
      this.waiting.set(key, [
        ...(this.waiting.get(key) ?? []),
        { resolve, reject }
      ]);
    });
  }

  /** Have the kernel do something about a transcript, such as store a key. The kernel tells the transcript how that went. */
  async act(message: ToKernel): Promise<void> {
    if (this.current !== 'joined') {
      throw new Error(lost());
    }
    this.send(message);
  }

  /** Make a model the default everywhere. */
  setDefault(model: string): void {
    this.send({ type: 'default', model });
  }

  /** Forget the connection, which is gone. Notebooks learn of that from their session. */
  dispose(): void {
    if (!this.isDisposed) {
      this.isDisposed = true;
      Signal.clearData(this);
      this.leave('absent');
    }
  }

  /** Send a message, or drop it if there is no comm. Joining one asks for the transcripts again. Returns whether it was sent. */
  private send(message: ToKernel): boolean {
    const comm = this.comm?.isDisposed ? null : this.comm;
    comm?.send(message as unknown as JSONObject);
    return comm !== null;
  }

  /** Ask the kernel which of our comms are open, and join them. It answers when it is idle. */
  private async findComm(): Promise<void> {
    this.canAsk = this.kernel.handleComms;
    if (!this.canAsk) {
      // Another connection of this page to the same kernel handles its comms.
      return;
    }
    const before = this.comm;
    try {
      const reply = await this.kernel.requestCommInfo({ target_name: TARGET });
      if (this.isDisposed || reply.content.status !== 'ok') {
        return;
      }
      const open = Object.keys(reply.content.comms);
      // The reply may not list a comm that was opened after the request, so only an older one can be missed.
      if (before && this.comm === before && !open.includes(before.commId)) {
        this.leave('asking');
      }
      open.forEach(id => this.joinById(id));
      if (!this.comm) {
        this.setState('absent');
      }
    } catch {
      // The kernel died before it answered. The one that replaces it is asked again.
    }
  }

  private joinById(id: string): void {
    if (this.kernel.handleComms && !this.kernel.hasComm(id)) {
      this.join(this.kernel.createComm(TARGET, id));
    }
  }

  private join(comm: Kernel.IComm, version: string | null = null): void {
    this.comm = comm;
    this.packageVersion = version ?? this.packageVersion;
    comm.onClose = () => {
      if (this.comm === comm) {
        this.leave('absent');
      }
    };
    this.send({ type: 'hello', by: 'extension', version: VERSION });
    this.setState('joined');
    this.overview.refresh();
    this.store.requestAll();
  }

  /** Give up the comm and everything that was learned through it. */
  private leave(state: BusState): void {
    this.comm = null;
    this.packageVersion = null;
    this.hasContext = false;
    this.store.forget();
    this.overview.take(null);
    this.questions.forget();
    for (const callers of this.waiting.values()) {
      callers.forEach(({ reject }) => reject(new Error(lost())));
    }
    this.waiting.clear();
    this.setState(state);
  }

  private setState(state: BusState): void {
    if (this.current !== state) {
      this.current = state;
      this.changes.emit();
    }
  }

  /**
   * Load the package, which joins its comm and asks for every transcript that is
   * shown. Resolves when the comm is joined; rejects with a sentence for the reader.
   */
  async load(): Promise<void> {
    const request = { code: LOAD, silent: true, store_history: false };
    let isLoaded = false;
    try {
      const { content } = await this.kernel.requestExecute(request).done;
      isLoaded = content.status === 'ok';
    } catch {
      // The kernel was restarted, or the connection to it was lost.
    }
    if (!isLoaded) {
      throw new Error(notLoaded());
    }
    await this.whenJoined();
  }

  private whenJoined(): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (this.current === 'joined') {
          this.changes.disconnect(check);
          resolve();
        }
      };
      this.changes.connect(check);
      check();
    });
  }

  private onMessage(_: unknown, message: KernelMessage.IIOPubMessage): void {
    const { msg_type } = message.header;
    if (msg_type === 'execute_input') {
      this.noteSessions(message);
    }
    if (isEndOfCell(message)) {
      this.overview.refresh();
    }
    if (msg_type === 'comm_msg') {
      const { comm_id, data } =
        message.content as KernelMessage.ICommMsgMsg['content'];
      const said = this.isForUs(comm_id, data)
        ? readMessage(data, message.buffers)
        : null;
      if (said) {
        this.receive(said, message);
      }
    }
  }

  /** Note which page runs a cell, and whether the kernel is another process than before. */
  private noteSessions(message: KernelMessage.IIOPubMessage): void {
    const { session } = message.header;
    const parent = message.parent_header as { session?: string };
    if (parent.session && parent.session !== this.kernel.clientId) {
      this.otherPages.add(parent.session);
    }
    if (this.kernelSession && this.kernelSession !== session) {
      // Another page restarted the kernel; only that page is told.
      this.leave('asking');
      void this.findComm();
    }
    this.kernelSession = session;
  }

  /** Whether a comm message is for this bus. The comm of a message about a transcript on this page is joined. */
  private isForUs(commId: string, data: JSONObject): boolean {
    if (this.comm?.commId === commId) {
      return true;
    }
    const document = data?.document as { id?: string } | undefined;
    const id = data?.id ?? document?.id;
    if (typeof id !== 'string' || !this.store.has(id)) {
      return false;
    }
    this.joinById(commId);
    return true;
  }

  private receive(
    message: FromKernel,
    envelope: KernelMessage.IIOPubMessage
  ): void {
    if (message.type === 'state' || message.type === 'record') {
      // Only older versions do not report theirs.
      this.packageVersion = message.version ?? UNNAMED;
    }
    if (message.type === 'context') {
      this.hasContext = message.wanted;
    } else if (message.type === 'overview') {
      this.overview.take(message);
    } else if (message.type === 'panel') {
      this.questions.take(message);
    } else if (message.type === 'value') {
      const key = JSON.stringify([message.request, message.name]);
      this.waiting.get(key)?.forEach(({ resolve }) => resolve(message.text));
      this.waiting.delete(key);
    } else if (message.type === 'record' && !this.isOursToWrite(envelope)) {
      this.store.receive({ type: 'state', document: message.document }, false);
    } else {
      this.store.receive(message, this.isOursToWrite(envelope));
    }
  }

  private onStatus(_: unknown, status: Kernel.Status): void {
    if (['restarting', 'autorestarting', 'dead'].includes(status)) {
      this.kernelSession = '';
      this.leave('absent');
    }
  }

  private onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected' && this.wasDisconnected) {
      this.wasDisconnected = false;
      // Messages may have been lost, and the kernel may have been restarted.
      this.store.requestAll();
      void this.findComm();
    } else if (status !== 'connected' && this.comm) {
      this.wasDisconnected = true;
    }
  }
}

/** The version that a kernel sends with the comm it opens. */
function versionIn(data: JSONObject): string | null {
  return typeof data?.version === 'string' ? data.version : null;
}
