/** What the side panel needs of JupyterLab. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IStateDB } from '@jupyterlab/statedb';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Places } from '../lab/notebook/places';

export interface ISurroundings {
  app: JupyterFrontEnd;
  notebooks: INotebookTracker;
  places: Places;
  state: IStateDB | null;
  trans: TranslationBundle;
  openSettings: (() => void) | null;
}
