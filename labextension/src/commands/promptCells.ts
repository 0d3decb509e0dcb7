/** Adds prompt cells to a notebook, and turns cells into prompts and back. JupyterLab's own undo reverts each of these changes. */

import type { Cell } from '@jupyterlab/cells';
import { NotebookActions, type Notebook } from '@jupyterlab/notebook';

import { isEditable, sourceOf } from '../lab/notebook/cellText';
import { asCode, asPrompt, isPrompt } from './promptText';

/** Insert a code cell below the active one, and let the reader type into its second line. Nothing is run. */
export async function insertPrompt(
  notebook: Notebook,
  source: string
): Promise<void> {
  const index = notebook.activeCell ? notebook.activeCellIndex + 1 : 0;
  notebook.model?.sharedModel.insertCell(index, {
    cell_type: 'code',
    source,
    metadata: { trusted: true }
  });
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index);
  await typeQuestion(notebook);
}

/** Let the reader type into the second line of the active cell, where the question of a prompt is. */
export async function typeQuestion(notebook: Notebook): Promise<void> {
  const cell = notebook.activeCell;
  await cell?.ready;
  notebook.mode = 'edit';
  cell?.editor?.setCursorPosition({ line: 1, column: 0 });
  cell?.editor?.focus();
}

/** Turns cells into prompts and back. */
export class PromptToggler {
  /** The options that cells had as prompts, by their ids. */
  private readonly heads = new Map<string, string>();

  /** Turn the selected cells into prompts, or back into code if the active cell is a prompt. */
  toggle(notebook: Notebook): void {
    const { activeCell } = notebook;
    if (!activeCell) {
      return;
    }
    const isBack = isPrompt(sourceOf(activeCell));
    const chosen = (): Cell[] =>
      notebook.widgets.filter(cell => notebook.isSelectedOrActive(cell));
    if (!isBack && chosen().some(cell => cell.model.type !== 'code')) {
      NotebookActions.changeCellType(notebook, 'code');
    }
    chosen()
      .filter(isEditable)
      .forEach(cell => (isBack ? this.back(cell) : this.forth(cell)));
  }

  private back({ model }: Cell): void {
    const before = model.sharedModel.getSource();
    const { source, head } = asCode(before);
    if (head) {
      this.heads.set(model.id, head);
      model.sharedModel.updateSource(0, before.length - source.length, '');
    }
  }

  private forth({ model }: Cell): void {
    const before = model.sharedModel.getSource();
    const after = asPrompt(before, this.heads.get(model.id));
    const added = after.slice(0, after.length - before.length);
    if (added) {
      model.sharedModel.updateSource(0, 0, added);
    }
  }
}
