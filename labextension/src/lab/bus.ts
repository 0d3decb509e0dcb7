/** The comm between one kernel and the notebooks of this page: what transcripts become goes in, what readers do goes out. */

import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { FromKernel, ToKernel } from '../transcript';
import { VERSION } from '../version';
import { TranscriptStore } from './store';

export const TARGET = 'llm_notebook';

/** Loads the package without `%load_ext`, which prints a line where it is loaded already. */
export const LOAD =
  'get_ipython().extension_manager.load_extension("llm_notebook")';

/** What is used of a kernel connection. */
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
 * - `asking`: not known yet whether the package is loaded in the kernel;
 * - `absent`: it is not, so nothing in this kernel works at a transcript;
 * - `joined`: messages flow.
 */
export type BusState = 'asking' | 'absent' | 'joined';

const LOST = 'The kernel went away. Try again.';

interface IAnswer {
  resolve: (text: string) => void;
  reject: (error: Error) => void;
}

export class KernelBus {
  readonly store = new TranscriptStore(id => this.send({ type: 'resync', id }));

  private readonly changes = new Signal<this, void>(this);
  private readonly answers = new Map<string, IAnswer[]>();
  private readonly otherPages = new Set<string>();
  private comm: Kernel.IComm | null = null;
  private current: BusState = 'asking';
  private packageVersion: string | null = null;
  /** Whether this page can ask at all; otherwise it stays `asking`. */
  private canAsk = true;
  private process = '';
  private wasCut = false;
  private isDisposed = false;

  /** Make it as soon as there is a connection: the target must be there before a cell can run. */
  constructor(private readonly kernel: IBusKernel) {
    kernel.iopubMessage.connect(this.onMessage, this);
    kernel.statusChanged.connect(this.onStatus, this);
    kernel.connectionStatusChanged.connect(this.onConnection, this);
    kernel.disposed.connect(this.dispose, this);
    kernel.registerCommTarget(TARGET, (comm, { content }) =>
      this.join(comm, versionIn(content.data))
    );
    void this.ask();
  }

  get state(): BusState {
    return this.current;
  }

  /**
   * The version of the package in the kernel. Null while it is not known: the
   * kernel says it only when it opens the comm, which a page that was loaded
   * later has missed.
   */
  get kernelVersion(): string | null {
    return this.packageVersion;
  }

  /** Whether the kernel is still to say what became of what the notebook shows, which it does when it is idle. */
  get isAsking(): boolean {
    return this.current === 'asking' && this.canAsk;
  }

  /** Emitted when `state` changes. */
  get changed(): ISignal<this, void> {
    return this.changes;
  }

  /**
   * Whether writing what a message says into the notebook is up to this page.
   *
   * It is not where another page ran the cell that sent it: two pages that
   * both save the same notebook get a question about a changed file.
   */
  isOurs(message: KernelMessage.IMessage): boolean {
    const { session } = message.parent_header as { session?: string };
    return !session || !this.otherPages.has(session);
  }

  /** The full text of a long value. Loads the package where it is not loaded. */
  async value(request: string, name: string): Promise<string> {
    if (this.current !== 'joined') {
      await this.load();
    }
    return new Promise((resolve, reject) => {
      this.send({ type: 'value', request, name });
      const key = JSON.stringify([request, name]);
      this.answers.set(key, [
        ...(this.answers.get(key) ?? []),
        { resolve, reject }
      ]);
    });
  }

  /** The connection is gone. Whoever used it is told so by their session. */
  dispose(): void {
    if (!this.isDisposed) {
      this.isDisposed = true;
      Signal.clearData(this);
      this.leave('absent');
    }
  }

  private send(message: ToKernel): void {
    if (this.comm && !this.comm.isDisposed) {
      this.comm.send(message as unknown as JSONObject);
    }
  }

  /** Ask whether the kernel has a comm of ours open, and join it. It answers when it is idle. */
  private async ask(): Promise<void> {
    this.canAsk = this.kernel.handleComms;
    if (!this.canAsk) {
      // Another connection of this page to the same kernel has its comms; messages are still heard here.
      return;
    }
    const before = this.comm;
    try {
      const reply = await this.kernel.requestCommInfo({ target_name: TARGET });
      if (this.isDisposed || reply.content.status !== 'ok') {
        return;
      }
      const open = Object.keys(reply.content.comms);
      // One that was opened since is not in a reply that was on its way.
      if (before && this.comm === before && !open.includes(before.commId)) {
        this.leave('asking');
      }
      open.forEach(id => this.joinById(id));
      if (!this.comm) {
        this.become('absent');
      }
    } catch {
      // The kernel went away before it answered; whatever comes next asks again.
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
    this.become('joined');
    this.store.ask();
  }

  private leave(state: BusState): void {
    this.comm = null;
    this.packageVersion = null;
    this.store.forget();
    for (const waiting of this.answers.values()) {
      waiting.forEach(({ reject }) => reject(new Error(LOST)));
    }
    this.answers.clear();
    this.become(state);
  }

  private become(state: BusState): void {
    if (this.current !== state) {
      this.current = state;
      this.changes.emit();
    }
  }

  private async load(): Promise<void> {
    const joined = new Promise<void>(resolve => {
      const look = (): void => {
        if (this.current === 'joined') {
          this.changes.disconnect(look);
          resolve();
        }
      };
      this.changes.connect(look);
    });
    const { content } = await this.kernel.requestExecute({
      code: LOAD,
      silent: true,
      store_history: false
    }).done;
    if (content.status !== 'ok') {
      throw new Error('Run %load_ext llm_notebook in this kernel first.');
    }
    await joined;
  }

  /**
   * Every message is looked at here, not by `comm.onMsg`: a page that was
   * loaded while a cell runs learns the comm's id from the messages
   * themselves, since `comm_info` is answered only afterwards.
   */
  private onMessage(_: unknown, message: KernelMessage.IIOPubMessage): void {
    const { msg_type, session } = message.header;
    const parent = message.parent_header as { session?: string };
    if (msg_type === 'execute_input') {
      if (parent.session && parent.session !== this.kernel.clientId) {
        this.otherPages.add(parent.session);
      }
      if (this.process && this.process !== session) {
        // Restarted by somebody else, who alone was told.
        this.leave('asking');
        void this.ask();
      }
      this.process = session;
    }
    if (msg_type === 'comm_msg') {
      const { comm_id, data } =
        message.content as KernelMessage.ICommMsgMsg['content'];
      if (this.concerns(comm_id, data)) {
        this.receive(data as unknown as FromKernel, message);
      }
    }
  }

  private concerns(commId: string, data: JSONObject): boolean {
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
    if (message.type === 'value') {
      const key = JSON.stringify([message.request, message.name]);
      this.answers.get(key)?.forEach(({ resolve }) => resolve(message.text));
      this.answers.delete(key);
    } else if (message.type === 'record' && !this.isOurs(envelope)) {
      this.store.receive({ type: 'state', document: message.document });
    } else {
      this.store.receive(message);
    }
  }

  private onStatus(_: unknown, status: Kernel.Status): void {
    if (['restarting', 'autorestarting', 'dead'].includes(status)) {
      this.process = '';
      this.leave('absent');
    }
  }

  private onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected' && this.wasCut) {
      this.wasCut = false;
      // Messages may have been lost, and the kernel may be another process by now.
      this.store.ask();
      void this.ask();
    } else if (status !== 'connected' && this.comm) {
      this.wasCut = true;
    }
  }
}

/** The version that a kernel sends with the comm it opens. */
function versionIn(data: JSONObject): string | null {
  return typeof data?.version === 'string' ? data.version : null;
}
