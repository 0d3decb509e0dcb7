/** The notebooks that are open on this page, and the kernels that a side panel asks. */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { PathExt } from '@jupyterlab/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { KernelBus } from '../lab/kernel/bus';
import type { NotebookPlace } from '../lab/notebook/place';
import type { Places } from '../lab/notebook/places';

/** A kernel that has the package loaded, with the notebook that it is asked as. */
export interface ISource {
  panel: NotebookPanel;
  place: NotebookPlace;
  bus: KernelBus;
  /** The notebook's file name. */
  name: string;
}

export class Sources {
  private readonly changes = new Signal<this, void>(this);
  private wanted = '';

  constructor(
    private readonly notebooks: INotebookTracker,
    private readonly places: Places
  ) {
    notebooks.forEach(panel => this.follow(panel));
    notebooks.widgetAdded.connect((_, panel) => this.follow(panel));
    notebooks.currentChanged.connect(this.emit, this);
  }

  /** Emitted when another notebook is in front, when one is opened or closed, and when a kernel has done something. */
  get changed(): ISignal<this, void> {
    return this.changes;
  }

  /** The path of the notebook that the panel is about; empty for all. */
  get chosen(): string {
    return this.open.some(({ context }) => context.path === this.wanted)
      ? this.wanted
      : '';
  }

  choose(path: string): void {
    this.wanted = path;
    this.emit();
  }

  /** Every open notebook. */
  get open(): NotebookPanel[] {
    const found: NotebookPanel[] = [];
    this.notebooks.forEach(panel => found.push(panel));
    return found;
  }

  /** The notebook in front, or the one that was. */
  get front(): NotebookPanel | null {
    return this.notebooks.currentWidget;
  }

  placeOf(panel: NotebookPanel): NotebookPlace {
    return this.places.of(panel);
  }

  /** The kernels to ask, that of the notebook in front first. */
  get asked(): ISource[] {
    const { chosen, front } = this;
    const panels = this.open
      .filter(({ context }) => !chosen || context.path === chosen)
      .sort((a, b) => Number(b === front) - Number(a === front));
    const found: ISource[] = [];
    for (const panel of panels) {
      const place = this.places.of(panel);
      const { bus } = place;
      const name = PathExt.basename(panel.context.path);
      if (bus?.state === 'joined' && !found.some(one => one.bus === bus)) {
        found.push({ panel, place, bus, name });
      }
    }
    return found;
  }

  private follow(panel: NotebookPanel): void {
    this.places.of(panel).changed.connect(this.emit, this);
    panel.disposed.connect(this.emit, this);
    panel.context.pathChanged.connect(this.emit, this);
    this.emit();
  }

  private emit(): void {
    for (const panel of this.open) {
      // A second connection of the same function counts once.
      this.places.of(panel).bus?.store.moved.connect(this.emit, this);
    }
    this.changes.emit();
  }
}
