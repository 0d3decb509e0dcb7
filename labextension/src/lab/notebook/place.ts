/** Knows where a transcript is shown, in a notebook or elsewhere, and what the reader can do there. */

import { Clipboard } from '@jupyterlab/apputils';
import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { NotebookActions } from '@jupyterlab/notebook';
import type { IOutputAreaModel } from '@jupyterlab/outputarea';
import type { Kernel } from '@jupyterlab/services';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';

import { MIME_TYPE, readTranscript } from '../../transcript';
import type {
  Action,
  IHeldUpCells,
  IHost,
  IReplaceable,
  ITranscript
} from '../../transcript';
import { VERSION } from '../../version';
import { KernelBus } from '../kernel/bus';
import { asksForCells, asksModel, collectCells } from './cells';
import type { ISentCell } from './cells';
import { isEditable, replaceable, sourceOf } from './cellText';
import { chosenModel } from './chosenModel';
import type { Clicks, ITarget } from '../kernel/click';
import type { RequestSigner } from './path';
import { trans } from '../../transcript/dom/translation';

/** Where a transcript is shown. */
export interface IPlace {
  /** The bus of the connected kernel. */
  readonly bus: KernelBus | null;
  /** Emitted when another kernel is connected, or when the state of the bus changes. */
  readonly changed: ISignal<IPlace, void>;
  /** The host for the transcript `id`, which the widget `shown` shows. */
  host(id: string, shown: Widget): IHost;
  /** Whether its cell was run on this page, which therefore gets the kernel's messages without asking. */
  ranHere(shown: Widget): boolean;
  /**
   * A function that puts a transcript back if it is removed from the page while
   * its cell runs, for example by "Clear Cell Output"; null if its cell was not
   * run on this page.
   */
  rescuer(shown: Widget): Rescue | null;
}

/** Puts a transcript back into its cell, unless it is there or the cell was run anew. */
export type Rescue = (document: ITranscript) => void;

const noKernel = (): string =>
  trans.__('As saved; start the kernel to decide.');
const ended = (): string =>
  trans.__('As saved; the kernel has ended. Start it again to decide.');
const startFirst = (): string => trans.__('Start the kernel first.');
const elsewhere = (): string =>
  trans.__('As saved; open this in a notebook with a kernel to decide.');
const asking = (): string =>
  trans.__(
    'As saved. The kernel is busy; how it stands is known when it is free.'
  );
const notLoaded = (): string =>
  trans.__('As saved. The kernel runs, but llm_notebook is not loaded in it.');
const gone = (): string =>
  trans.__(
    'As saved. This kernel does not know this answer. Run the cell again.'
  );

/** Gives each kernel connection one bus, which the places that use the connection share. */
export class Buses {
  private readonly buses = new WeakMap<Kernel.IKernelConnection, KernelBus>();

  of(kernel: Kernel.IKernelConnection): KernelBus {
    let bus = this.buses.get(kernel);
    if (!bus) {
      bus = new KernelBus(kernel);
      this.buses.set(kernel, bus);
    }
    return bus;
  }
}

const copy = (text: string): void => Clipboard.copyToSystem(text);
const openLink = (url: string): void => {
  window.open(url, '_blank', 'noopener,noreferrer');
};

/** A place without a kernel, such as a file viewer. */
export class KernellessPlace implements IPlace {
  readonly bus = null;
  readonly changed = new Signal<this, void>(this);

  host(): IHost {
    return { blocked: elsewhere(), copy, openLink };
  }

  ranHere(): boolean {
    return false;
  }

  rescuer(): null {
    return null;
  }
}

/** Why a reader cannot act on a transcript in a notebook with this kernel; empty if they can. */
export function whyBlocked(bus: KernelBus, id: string): string {
  const { kernelVersion, state, store } = bus;
  if (state === 'absent') {
    return notLoaded();
  }
  if (kernelVersion !== null && kernelVersion !== VERSION) {
    return trans.__(
      'As saved. llm_notebook is %1 in the kernel and %2 in this page. Reload the page to decide.',
      kernelVersion,
      VERSION
    );
  }
  if (store.isGone(id)) {
    return gone();
  }
  return store.isFromKernel(id) ? '' : asking();
}

/** Add a transcript to the outputs of a cell, unless it is among them. */
function putBack(document: ITranscript, outputs: IOutputAreaModel): void {
  for (let index = 0; index < outputs.length; index += 1) {
    if (
      readTranscript(outputs.get(index).data[MIME_TYPE])?.id === document.id
    ) {
      return;
    }
  }
  // A document is JSON, although its type does not say so.
  const data = { [MIME_TYPE]: document } as unknown as PartialJSONObject;
  outputs.add({ output_type: 'display_data', data, metadata: {} });
}

/** A notebook, whose kernel may change. */
export class NotebookPlace implements IPlace {
  private readonly changes = new Signal<this, void>(this);
  private current: KernelBus | null = null;
  private hasEnded = false;

  constructor(
    private readonly panel: NotebookPanel,
    private readonly buses: Buses,
    private readonly clicks: Clicks,
    private readonly senders: RequestSigner,
    private readonly runSelected: () => Promise<unknown>
  ) {
    panel.sessionContext.kernelChanged.connect(this.connect, this);
    panel.sessionContext.statusChanged.connect(this.onStatus, this);
    panel.disposed.connect(this.dispose, this);
    this.connect();
  }

  get bus(): KernelBus | null {
    return this.current;
  }

  get changed(): ISignal<this, void> {
    return this.changes;
  }

  host(id: string, shown: Widget): IHost {
    const { bus } = this;
    const everywhere: IHost = {
      copy,
      openLink,
      insertBelow: code => this.insertBelow(code, shown),
      cellWith: text => this.replaceable(text, shown)
    };
    const cell = this.cellOf(shown);
    if (!bus || !this.kernel || !cell) {
      return { ...everywhere, blocked: this.isEnded ? ended() : noKernel() };
    }
    const blocked = whyBlocked(bus, id);
    if (blocked) {
      const live = bus.state !== 'absent';
      const ask = live ? undefined : () => bus.load();
      return { ...everywhere, blocked, live, ask };
    }
    return {
      ...everywhere,
      live: true,
      act: action => this.act(action, id, shown),
      value: (request, name) => bus.value(request, name),
      key: (transcript, name, key) =>
        bus.act({ type: 'key', transcript, name, key }),
      cells: ids => this.heldUpCells(ids, cell)
    };
  }

  ranHere(shown: Widget): boolean {
    return Boolean(this.cellOf(shown)?.outputArea.future);
  }

  rescuer(shown: Widget): Rescue | null {
    const cell = this.cellOf(shown);
    const future = cell?.outputArea.future;
    if (!cell || !future) {
      return null;
    }
    return document => {
      if (!cell.isDisposed && cell.outputArea.future === future) {
        putBack(document, cell.model.outputs);
      }
    };
  }

  /** Whether the kernel has ended although nobody wanted that here, such as one that has died too often to be started again. */
  get isEnded(): boolean {
    return this.hasEnded;
  }

  /**
   * Start a kernel, in the place of one that has died if there was one. A dead
   * kernel cannot be restarted. Rejects if its process does not start.
   */
  async start(): Promise<void> {
    const { sessionContext } = this.panel;
    const name =
      sessionContext.session?.kernel?.name ||
      sessionContext.prevKernelName ||
      sessionContext.kernelPreference.name;
    if (name) {
      await sessionContext.changeKernel({ name });
    } else {
      await sessionContext.startKernel();
    }
  }

  /** The kernel. The session keeps one that is dead for a while, which can do nothing any more. */
  private get kernel(): Kernel.IKernelConnection | null {
    const kernel = this.panel.sessionContext.session?.kernel;
    return kernel && kernel.status !== 'dead' ? kernel : null;
  }

  private onStatus(_: unknown, status: Kernel.Status): void {
    if (status === 'dead') {
      this.hasEnded = !this.panel.sessionContext.isTerminating;
      this.connect();
    }
  }

  private connect(): void {
    this.current?.changed.disconnect(this.notify, this);
    const { kernel } = this;
    const bus = kernel && this.buses.of(kernel);
    if (kernel && bus) {
      this.hasEnded = false;
      this.senders.sign(kernel, {
        path: () => this.panel.context.path,
        model: () => chosenModel(this.panel.content.model),
        hasPackage: () => bus.state === 'joined',
        cells: (code, asking) => this.toldCells(code, asking, bus)
      });
    }
    this.current = bus;
    this.current?.changed.connect(this.notify, this);
    this.notify();
  }

  private toldCells(
    code: string,
    asking: string,
    bus: KernelBus
  ): ISentCell[] | null {
    const { model } = this.panel.content;
    const asks = asksForCells(code) || (bus.wantsCells && asksModel(code));
    return model && asks ? collectCells(model.cells, asking) : null;
  }

  private notify(): void {
    this.changes.emit();
  }

  private dispose(): void {
    this.current?.changed.disconnect(this.notify, this);
    Signal.clearData(this);
  }

  private async act(action: Action, id: string, shown: Widget): Promise<void> {
    const { bus, kernel } = this;
    const cell = this.cellOf(shown);
    if (!bus || !kernel || !cell) {
      throw new Error(startFirst());
    }
    await this.clicks.perform(action, {
      ...this.target(kernel, cell),
      document: () => bus.store.get(id)
    });
  }

  /**
   * Run a line of our magic on behalf of a cell, and add what it outputs to the
   * cell's own outputs. Rejects with a sentence for the reader.
   */
  async run(line: string, cell: CodeCell): Promise<void> {
    const { kernel } = this;
    if (!kernel) {
      throw new Error(startFirst());
    }
    await this.clicks.run(line, this.target(kernel, cell));
  }

  /** Whether there is a kernel that could run a line. */
  get hasKernel(): boolean {
    return this.kernel !== null;
  }

  private target(kernel: Kernel.IKernelConnection, cell: CodeCell): ITarget {
    return {
      kernel,
      area: cell.outputArea,
      cellId: cell.model.id,
      // Setting `model.executionState` would also mark the cell's text as the one that was run.
      prompt: text => {
        if (!cell.isDisposed) {
          cell.setPrompt(text ?? `${cell.model.executionCount ?? ''}`);
        }
      },
      insertBelow: code => this.insertBelow(code, cell)
    };
  }

  /** The cell whose outputs hold the widget, either in its own output area or in another view of them. */
  cellOf(shown: Widget): CodeCell | undefined {
    for (let at: Widget | null = shown; at; at = at.parent) {
      const { model } = at as Widget & { model?: unknown };
      const cell = this.cells.find(one => one.outputArea.model === model);
      if (cell) {
        return cell;
      }
    }
    return undefined;
  }

  private get cells(): CodeCell[] {
    return this.panel.content.widgets.filter(
      (cell): cell is CodeCell => cell.model.type === 'code'
    );
  }

  /** The cells with these ids. They are run as if the reader had selected them. */
  private heldUpCells(ids: string[], cell: CodeCell): IHeldUpCells | null {
    const notebook = this.panel.content;
    const find = (): Cell[] =>
      notebook.widgets.filter(one => ids.includes(one.model.id));
    const found = find();
    const own = notebook.widgets.indexOf(cell);
    const areBelow = found.every(one => notebook.widgets.indexOf(one) > own);
    const run = async (): Promise<void> => {
      const [first, ...others] = find();
      if (first) {
        notebook.deselectAll();
        notebook.activeCellIndex = notebook.widgets.indexOf(first);
        others.forEach(one => notebook.select(one));
        await this.runSelected();
      }
    };
    return found.length ? { count: found.length, areBelow, run } : null;
  }

  /** The cell with this text: the one that shows the widget, or else the only one. */
  private replaceable(text: string, shown: Widget): IReplaceable | null {
    const isMeant = (cell: CodeCell): boolean =>
      sourceOf(cell).replace(/(?<!\n)\n+$/, '') === text && isEditable(cell);
    const found = this.cells.filter(isMeant);
    const own = found.find(cell => cell === this.cellOf(shown));
    const cell = own ?? (found.length === 1 ? found[0] : undefined);
    return cell && !this.panel.content.model?.readOnly
      ? replaceable(cell)
      : null;
  }

  private insertBelow(code: string, shown: Widget): void {
    const notebook = this.panel.content;
    const cell = this.cellOf(shown);
    if (cell) {
      notebook.activeCellIndex = notebook.widgets.indexOf(cell);
    }
    NotebookActions.insertBelow(notebook);
    NotebookActions.changeCellType(notebook, 'code');
    notebook.activeCell?.model.sharedModel.setSource(code);
  }
}
