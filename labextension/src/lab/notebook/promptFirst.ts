/** Makes new cells prompts, in a notebook that is set so. Cells that exist stay as they are. */

import type { ICellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { isPromptFirst, setPromptFirst } from './chosenModel';

const EMPTY_PROMPT = '%%llm\n';

/**
 * Follow a notebook from here on.
 *
 * @param isUsual tells whether new notebooks are set so.
 */
export async function followNewCells(
  panel: NotebookPanel,
  isUsual: () => boolean
): Promise<void> {
  await panel.context.ready;
  const { model } = panel.content;
  if (!model || panel.isDisposed) {
    return;
  }
  const { cells } = model;
  const isNew = cells.length < 2 && isEmpty(cells.get(0));
  if (isUsual() && isNew && isPromptFirst(model) === undefined) {
    setPromptFirst(model, true);
    fill(panel, cells.get(0));
  }
  cells.changed.connect((_, { newValues, type }) => {
    const [added] = newValues;
    if (type === 'add' && newValues.length === 1 && isEmpty(added)) {
      // The cell becomes the active one after it was added, if it was added here.
      queueMicrotask(() => {
        const isOurs = panel.content.activeCell?.model === added;
        // What an undo has brought back is no new cell.
        if (isOurs && isPromptFirst(model) && !model.sharedModel.canRedo()) {
          fill(panel, added);
        }
      });
    }
  });
}

function isEmpty(cell: ICellModel | undefined): boolean {
  return (
    cell?.type === 'code' &&
    cell.sharedModel.getSource() === '' &&
    cell.getMetadata('editable') !== false
  );
}

/** Whether cells of a notebook are Python. Its kernel says so only once it runs; before that, the kernel's description does. */
function isPython({ content, sessionContext }: NotebookPanel): boolean {
  const { kernelPreference, session, specsManager } = sessionContext;
  const name = session?.kernel?.name ?? kernelPreference.name ?? '';
  const spec = specsManager.specs?.kernelspecs[name];
  return content.codeMimetype.includes('python') || spec?.language === 'python';
}

/** Make an empty cell a prompt, and put the caret where the question is typed. */
function fill(panel: NotebookPanel, model: ICellModel | undefined): void {
  const notebook = panel.content;
  if (!isEmpty(model) || !isPython(panel)) {
    return;
  }
  model!.sharedModel.updateSource(0, 0, EMPTY_PROMPT);
  const cell = notebook.widgets.find(one => one.model === model);
  void cell?.ready.then(() =>
    cell.editor?.setCursorPosition({ line: 1, column: 0 })
  );
}
