/** Reads and changes what was chosen for a notebook, which the notebook's file keeps: its model, and whether new cells are prompts. */

import type { INotebookModel } from '@jupyterlab/notebook';

import { visible } from '../../transcript/dom/visible';

const KEY = 'llm_notebook';
const LONGEST_SHOWN = 80;

type Held = Pick<INotebookModel, 'getMetadata' | 'setMetadata'>;

/** The model of a notebook; empty if none was chosen. A file may hold anything. */
export function chosenModel(notebook: Held | null): string {
  const held: unknown = notebook?.getMetadata(KEY);
  const { model } = (held ?? {}) as { model?: unknown };
  return typeof model === 'string' ? model : '';
}

/** A model's name as it is shown. It comes from the author of the notebook, so it may have any length and hold any characters. */
export function shownModel(model: string): string {
  const isLong = model.length > LONGEST_SHOWN;
  return visible(isLong ? `${model.slice(0, LONGEST_SHOWN)}…` : model);
}

/** Choose a model, or none with an empty text. */
export function chooseModel(notebook: Held, model: string): void {
  keep(notebook, { model });
}

/** Whether new cells of a notebook are prompts; undefined if that was never chosen for it. */
export function isPromptFirst(notebook: Held | null): boolean | undefined {
  const held: unknown = notebook?.getMetadata(KEY);
  const { promptFirst } = (held ?? {}) as { promptFirst?: unknown };
  return typeof promptFirst === 'boolean' ? promptFirst : undefined;
}

export function setPromptFirst(notebook: Held, promptFirst: boolean): void {
  keep(notebook, { promptFirst });
}

/** Keep something under our name, beside what is there. */
function keep(notebook: Held, values: Record<string, boolean | string>): void {
  const held: unknown = notebook.getMetadata(KEY);
  const kept = typeof held === 'object' && held !== null ? { ...held } : {};
  notebook.setMetadata(KEY, { ...kept, ...values });
}
