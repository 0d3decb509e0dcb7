/** Knows the place of each open notebook, for the plugins that act in notebooks. */

import type { NotebookPanel } from '@jupyterlab/notebook';
import { Token } from '@lumino/coreutils';

import type { NotebookPlace } from './place';

/** Makes one place for each open notebook. */
export class Places {
  private readonly places = new WeakMap<NotebookPanel, NotebookPlace>();

  /** @param make makes the place of a notebook. */
  constructor(private readonly make: (panel: NotebookPanel) => NotebookPlace) {}

  of(panel: NotebookPanel): NotebookPlace {
    let place = this.places.get(panel);
    if (!place) {
      place = this.make(panel);
      this.places.set(panel, place);
    }
    return place;
  }
}

/** The token under which JupyterLab's plugins share the places. */
export const IPlaces = new Token<Places>(
  'jupyter-llm-notebook:places',
  'The notebooks that are open, each with its kernel.'
);
