/** Fakes of a kernel connection and its futures, which say what a test tells them to and keep what they are sent. */

import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';

import type { FromKernel, ITranscript, ToKernel } from '../../transcript';
import type { IBusKernel } from '../kernel/bus';

/** Wait until everything that is ready has happened. */
export const settled = (): Promise<void> =>
  new Promise(resolve => setTimeout(resolve));

/** A transcript with one empty text. */
export function transcript(over: Partial<ITranscript> = {}): ITranscript {
  return {
    version: 1,
    id: 't1',
    seq: 0,
    model: 'm',
    state: 'streaming',
    seconds: 0,
    blocks: [{ kind: 'text', text: '' }],
    ...over
  };
}

/** A delta that appends to the first block. */
export function appended(seq: number, text: string, id = 't1'): FromKernel {
  return { type: 'delta', id, seq, ops: [{ op: 'append', block: 0, text }] };
}

type Target = Parameters<IBusKernel['registerCommTarget']>[1];

/** A kernel connection whose messages a test makes. */
export class FakeKernel {
  readonly clientId = 'this page';
  readonly sent: ToKernel[] = [];
  readonly executed: FakeFuture[] = [];
  readonly iopubMessage = new Signal<this, KernelMessage.IIOPubMessage>(this);
  readonly statusChanged = new Signal<this, Kernel.Status>(this);
  readonly connectionStatusChanged = new Signal<this, Kernel.ConnectionStatus>(
    this
  );
  readonly disposed = new Signal<this, void>(this);
  handleComms = true;
  /** The ids of the comms that the kernel has open. A promise is resolved when the kernel is idle. */
  open: string[] | Promise<string[]> = [];
  private readonly known = new Set<string>();
  private readonly comms = new Map<string, Kernel.IComm>();
  private target: Target | undefined;

  get connection(): IBusKernel {
    return this as unknown as IBusKernel;
  }

  registerCommTarget(_: string, target: Target): void {
    this.target = target;
  }

  createComm(_: string, commId: string): Kernel.IComm {
    this.known.add(commId);
    const comm = {
      commId,
      isDisposed: false,
      send: (message: ToKernel) => this.sent.push(message)
    } as unknown as Kernel.IComm;
    this.comms.set(commId, comm);
    return comm;
  }

  hasComm(commId: string): boolean {
    return this.known.has(commId);
  }

  async requestCommInfo(): Promise<unknown> {
    const comms = Object.fromEntries((await this.open).map(id => [id, {}]));
    return { content: { status: 'ok', comms } };
  }

  requestExecute(
    content: KernelMessage.IExecuteRequestMsg['content'],
    _?: boolean,
    metadata?: unknown
  ): FakeFuture {
    const future = new FakeFuture(content, metadata);
    this.executed.push(future);
    return future;
  }

  /** Load the package, so that the kernel opens its comm. */
  opens(commId: string, data: JSONObject = {}): void {
    const message = { content: { data } } as KernelMessage.ICommOpenMsg;
    void this.target?.(this.createComm('', commId), message);
  }

  closes(commId: string): void {
    const comm = this.comms.get(commId);
    comm?.onClose?.({} as KernelMessage.ICommCloseMsg);
  }

  says(commId: string, data: FromKernel, session = this.clientId): void {
    this.publishes('comm_msg', { comm_id: commId, data }, session);
  }

  publishes(
    type: string,
    content: unknown,
    session = this.clientId,
    process = 'first'
  ): void {
    this.iopubMessage.emit({
      header: { msg_type: type, session: process },
      parent_header: { session },
      content
    } as unknown as KernelMessage.IIOPubMessage);
  }
}

type Hook = (message: KernelMessage.IIOPubMessage) => boolean;

/** An execution that ends when the test says so. */
export class FakeFuture {
  readonly done: Promise<unknown>;
  readonly hooks: Hook[] = [];
  private resolve: (reply: unknown) => void = () => undefined;
  private reject: (error: Error) => void = () => undefined;

  constructor(
    readonly content: KernelMessage.IExecuteRequestMsg['content'],
    readonly metadata: unknown
  ) {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  registerMessageHook(hook: Hook): void {
    this.hooks.push(hook);
  }

  /** Publish an output; returns whether it reaches the cell. */
  publishes(type: string, content: unknown): boolean {
    const message = {
      header: { msg_type: type },
      content
    } as unknown as KernelMessage.IIOPubMessage;
    return this.hooks.every(hook => hook(message));
  }

  ends(status = 'ok', payload?: unknown[], ename?: string): void {
    this.resolve({ content: { status, payload, ename } });
  }

  isCancelled(): void {
    this.reject(new Error('Canceled'));
  }
}
