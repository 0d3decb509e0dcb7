/** Carries out the commands in a notebook. Only `explain` sends anything to a model, and no command decides for the reader. */

import { Notification } from '@jupyterlab/apputils';
import type { Cell, CodeCell } from '@jupyterlab/cells';
import { NotebookActions, type NotebookPanel } from '@jupyterlab/notebook';
import type { KernelSpec } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import { sourceOf } from '../lab/notebook/cellText';
import type { NotebookPlace } from '../lab/notebook/place';
import { insertPrompt, typeQuestion } from './promptCells';
import { isCode } from './selection';
import { transcriptIn, waitingIn } from './outputs';
import type { CommandRegistry } from '@lumino/commands';

import { setPromptFirst } from '../lab/notebook/chosenModel';
import { EMPTY_PROMPT, isPrompt, promptAbout } from './promptText';

/** Without a time, a notification is only counted at the bell. */
const SHORTLY = { autoClose: 5_000 } as const;

/**
 * Insert a prompt about the active cell directly below it. When the prompt is
 * run, the cell goes with it, together with the output that the page then
 * shows.
 *
 * @param sends what goes with it, as `--context` has it.
 */
export async function askAboutCell(
  { content: notebook }: NotebookPanel,
  sends: string
): Promise<void> {
  if (notebook.activeCell) {
    await insertPrompt(notebook, `%%llm --context ${sends}\n`);
  }
}

/**
 * Make a notebook whose new cells are prompts, with one of them.
 *
 * @returns its tab, which takes the place of the launcher that it was made with.
 */
export async function newPromptNotebook(
  commands: CommandRegistry,
  specs: KernelSpec.ISpecModels | null,
  cwd: unknown
): Promise<NotebookPanel> {
  const made: unknown = await commands.execute('notebook:create-new', {
    cwd: typeof cwd === 'string' ? cwd : undefined,
    // Without one, JupyterLab asks for it.
    kernelName: pythonKernel(specs)
  });
  const panel = made as NotebookPanel;
  const { content, context } = panel;
  await context.ready;
  const { model } = content;
  const first = model?.cells.get(0)?.sharedModel;
  if (model && first) {
    setPromptFirst(model, true);
    if (!first.getSource()) {
      first.setSource(EMPTY_PROMPT);
    }
    // The launcher makes room when this is done, and moves the focus.
    setTimeout(() => void typeQuestion(content));
  }
  return panel;
}

/** The kernel of a new prompt notebook: the usual one if it runs Python, or else the first that does. */
function pythonKernel(
  specs: KernelSpec.ISpecModels | null
): string | undefined {
  const names = Object.keys(specs?.kernelspecs ?? {});
  return [specs?.default ?? '', ...names].find(
    name => specs?.kernelspecs[name]?.language === 'python'
  );
}

/** Insert a prompt about the text that is selected in the active cell. */
export async function askAboutSelection(
  { content: notebook }: NotebookPanel,
  text: string,
  isFromEditor: boolean,
  trans: TranslationBundle
): Promise<void> {
  const cell = notebook.activeCell;
  if (cell) {
    const title = isFromEditor
      ? trans.__('From the cell:')
      : trans.__('From its output:');
    const language = isFromEditor ? languageOf(cell) : '';
    await insertPrompt(notebook, promptAbout({ title, text, language }));
  }
}

function languageOf(cell: Cell): string {
  if (cell.model.type === 'markdown') {
    return 'markdown';
  }
  return isCode(cell) && !isPrompt(sourceOf(cell)) ? 'python' : '';
}

/** Insert a prompt that continues from the answer in the active cell. */
export async function continueHere({
  content: notebook
}: NotebookPanel): Promise<void> {
  const cell = notebook.activeCell;
  const id = cell && isCode(cell) ? transcriptIn(cell.model.outputs) : '';
  if (id) {
    await insertPrompt(notebook, `%%llm --cid ${id}\n`);
  }
}

/** Ask a model why a cell has failed. The answer is shown below its traceback. */
export async function explain(
  place: NotebookPlace,
  cell: CodeCell,
  asksForFix: boolean
): Promise<void> {
  const what = asksForFix ? 'error fix' : 'error';
  // A cell without a number has not run in this kernel, and the kernel then says so.
  const number = cell.model.executionCount ?? 0;
  try {
    await place.run(`%llm ${what} In[${number}]`, cell);
  } catch (error) {
    Notification.error((error as Error).message, SHORTLY);
  }
}

/** Run all cells below the active one. */
export async function runBelow(panel: NotebookPanel): Promise<void> {
  const { content: notebook, sessionContext } = panel;
  const below = notebook.widgets.slice(notebook.activeCellIndex + 1);
  await NotebookActions.runCells(notebook, below, sessionContext);
}

/**
 * Bring the next card that waits into view and focus its heading, never a
 * button.
 *
 * @param panels the open notebooks; in the first one, the search begins at the
 *   active cell.
 * @param show brings a notebook to the front.
 * @returns whether one was found.
 */
export async function showWaiting(
  panels: readonly NotebookPanel[],
  show: (panel: NotebookPanel) => void
): Promise<boolean> {
  for (const [position, panel] of panels.entries()) {
    const { widgets, activeCellIndex } = panel.content;
    const first = position === 0 ? activeCellIndex + 1 : 0;
    const inOrder = [...widgets.keys()].map(
      index => (index + first) % widgets.length
    );
    const found = inOrder.find(index => isWaiting(widgets[index]));
    if (found !== undefined) {
      show(panel);
      await focusCard(panel, found);
      return true;
    }
  }
  return false;
}

export function sayNothingWaits(trans: TranslationBundle): void {
  Notification.info(trans.__('Nothing waits in the open notebooks.'), SHORTLY);
}

const isWaiting = (cell: Cell): boolean =>
  isCode(cell) && waitingIn(cell.model.outputs) > 0;

async function focusCard(panel: NotebookPanel, index: number): Promise<void> {
  const notebook = panel.content;
  notebook.deselectAll();
  notebook.mode = 'command';
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index);
  const cell = notebook.widgets[index];
  await cell.ready;
  const heading = cell.node.querySelector<HTMLElement>('.llm-ask h3');
  if (heading) {
    heading.tabIndex = -1;
    heading.scrollIntoView({ block: 'center' });
    heading.focus({ preventScroll: true });
  }
}
