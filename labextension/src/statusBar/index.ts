/** The item of the status bar: the model of the notebook in front, what waits, and what its kernel has used. */

import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { askIcon } from '../commands/icon';
import { chosenModel } from '../lab/notebook/chosenModel';
import type { NotebookPlace } from '../lab/notebook/place';
import type { Places } from '../lab/notebook/places';
import {
  arrange,
  attrs,
  button,
  refill,
  setText
} from '../transcript/dom/elements';
import { statusWords } from './words';

/** What a click on a part does. */
export interface IStatusActions {
  chooseModel(panel: NotebookPanel, at: DOMRect): void;
  showWaiting(): void;
  showUsage(): void;
}

/** The widget in the status bar. */
export class StatusItem extends Widget {
  private readonly changes = new Signal<this, void>(this);
  private panel: NotebookPanel | null = null;
  private place: NotebookPlace | null = null;
  private drawn = '';
  private readonly model = attrs(
    button('', '', () => this.choose()),
    { 'aria-haspopup': 'menu' }
  );
  private readonly waiting = button('llm-need', '', () =>
    this.actions.showWaiting()
  );
  private readonly used = button('', '', () => this.actions.showUsage());

  constructor(
    private readonly notebooks: INotebookTracker,
    private readonly places: Places,
    private readonly actions: IStatusActions,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('llm-status');
    attrs(this.node, {
      role: 'group',
      'aria-label': trans.__('Language models')
    });
    notebooks.currentChanged.connect(this.follow, this);
    this.follow();
  }

  /** Emitted when the item may have to be shown or hidden. */
  get changed(): Signal<this, void> {
    return this.changes;
  }

  /** Whether there is anything to show: the package is loaded in the kernel of the notebook in front. */
  get isActive(): boolean {
    return Boolean(this.place?.bus?.overview.latest);
  }

  private follow(): void {
    this.place?.changed.disconnect(this.refresh, this);
    this.panel?.content.model?.metadataChanged.disconnect(this.refresh, this);
    this.panel = this.notebooks.currentWidget;
    this.place = this.panel && this.places.of(this.panel);
    this.place?.changed.connect(this.refresh, this);
    void this.panel?.context.ready.then(() => {
      this.panel?.content.model?.metadataChanged.connect(this.refresh, this);
      this.refresh();
    });
    this.refresh();
  }

  private refresh(): void {
    const { panel, place } = this;
    place?.bus?.overview.want();
    const said = place?.bus?.overview.latest;
    if (panel && said) {
      const chosen = panel.content.model
        ? chosenModel(panel.content.model)
        : '';
      this.draw(panel, statusWords(said, chosen, this.trans));
    }
    this.changes.emit();
  }

  private choose(): void {
    if (this.panel) {
      const at = this.model.getBoundingClientRect();
      this.actions.chooseModel(this.panel, at);
    }
  }

  /** Draw what has changed. The buttons stay, and keep the keyboard focus. */
  private draw(
    panel: NotebookPanel,
    words: ReturnType<typeof statusWords>
  ): void {
    const key = JSON.stringify([panel.id, words]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    const { model, trans, used, waiting } = this;
    refill(model, askIcon.element({ tag: 'span' }), words.model);
    attrs(model, {
      'aria-label': trans.__('Model: %1. Choose another', words.model)
    });
    setText(waiting, words.waiting);
    attrs(waiting, {
      'aria-label': trans.__('%1 for your decision. Show it', words.waiting)
    });
    setText(used, words.used);
    attrs(used, {
      title: words.details,
      'aria-label': trans.__('%1 in this session. Show usage', words.used)
    });
    arrange(this.node, [
      model,
      ...(words.waiting ? [waiting] : []),
      ...(words.used ? [used] : [])
    ]);
  }
}
