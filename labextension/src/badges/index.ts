/** Finds the notebook around a cell, for the badge of a prompt. */

import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { chosenModel } from '../lab/notebook/chosenModel';
import type { Places } from '../lab/notebook/places';
import type { Options } from '../lab/options';
import type { IAround } from '../promptCell/badge';

export class Arounds {
  private readonly changed = new Signal<this, void>(this);

  constructor(
    private readonly notebooks: INotebookTracker | null,
    private readonly places: Places | null,
    private readonly options: Options,
    private readonly trans: TranslationBundle
  ) {
    const emit = (): void => this.changed.emit();
    options.changed.connect(emit);
    const follow = (panel: NotebookPanel): void => {
      places?.of(panel).changed.connect(emit);
      void panel.context.ready.then(() => {
        panel.content.model?.metadataChanged.connect(emit);
        emit();
      });
    };
    notebooks?.forEach(follow);
    notebooks?.widgetAdded.connect((_, panel) => follow(panel));
  }

  /** What is around a cell. The notebook is looked for when it is needed, since an editor may be made before it is known. */
  of(cell: CodeEditor.IModel): IAround {
    const panel = (): NotebookPanel | undefined =>
      this.notebooks?.find(({ content }) =>
        Array.from(content.model?.cells ?? []).some(one => one === cell)
      );
    const busOf = (one: NotebookPanel | undefined) =>
      (one && this.places?.of(one).bus) ?? null;
    const known = () => busOf(panel())?.overview.latest;
    const usual = (): string =>
      chosenModel(panel()?.content.model ?? null) || known()?.default || '';
    return {
      changed: this.changed,
      model: usual,
      isWanted: () => this.options.badge,
      isLocal: model =>
        known()?.models.some(({ id, local }) => local && id === model) ?? false,
      choose: (at, chosen, choose) =>
        void import('../commands/models').then(({ openModels }) => {
          const { trans } = this;
          const chooser = {
            title: trans.__('Model of this prompt'),
            chosen,
            none: trans.__('This notebook’s (%1)', usual()),
            isWritable: true,
            choose,
            hasEverywhere: false
          };
          const place = { x: at.left, y: at.bottom };
          openModels(chooser, busOf(panel()), place, trans);
        })
    };
  }
}
