/** Finds cells in the notebooks that are open, and brings them into view. */

import type { CodeCell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { OutputArea } from '@jupyterlab/outputarea';

import { transcriptIn } from '../commands/outputs';
import { isCode } from '../commands/selection';
import type { NotebookPlace } from '../lab/notebook/place';
import type { IWhere } from './section';
import type { Sources } from './sources';

interface IFound {
  panel: NotebookPanel;
  place: NotebookPlace;
  index: number;
  area: OutputArea;
}

/** The cell that shows a transcript; null if no open notebook has it. */
export function cellOfTranscript(sources: Sources, id: string): IFound | null {
  for (const panel of sources.open) {
    const index = indexOf(panel, { transcript: id });
    const cell = panel.content.widgets[index];
    if (cell) {
      const place = sources.placeOf(panel);
      return { panel, place, index, area: (cell as CodeCell).outputArea };
    }
  }
  return null;
}

/** The place of a cell in a notebook; -1 if it is not there. */
export function indexOf(
  panel: NotebookPanel,
  { cell, transcript }: IWhere
): number {
  const cells = panel.content.widgets;
  const found = cells.findIndex(
    one =>
      transcript &&
      isCode(one) &&
      transcriptIn(one.model.outputs) === transcript
  );
  return found >= 0 ? found : cells.findIndex(one => one.model.id === cell);
}

/** How long the card of a notebook that was just opened may take to appear, in milliseconds. */
const OPENING = 20_000;

/** Bring a cell into view and make it the active one. Its card's heading gets the focus if there is one, and never a button. */
export async function show(panel: NotebookPanel, index: number): Promise<void> {
  const notebook = panel.content;
  notebook.deselectAll();
  notebook.mode = 'command';
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index);
  const cell = notebook.widgets[index];
  await cell?.ready;
  if (cell && !focusCard(cell.node)) {
    cell.node.scrollIntoView({ block: 'nearest' });
    notebook.node.focus();
    focusLater(cell.node, notebook.node);
  }
}

function focusCard(cell: HTMLElement): boolean {
  const heading = cell.querySelector<HTMLElement>('.llm-ask h3');
  if (heading) {
    heading.tabIndex = -1;
    heading.scrollIntoView({ block: 'center' });
    heading.focus({ preventScroll: true });
  }
  return Boolean(heading);
}

/** Give a card that appears later the focus, as long as the reader leaves it in the notebook and types nothing. */
function focusLater(cell: HTMLElement, notebook: HTMLElement): void {
  const observer = new MutationObserver(() => {
    const at = document.activeElement;
    const isFree =
      at === document.body ||
      (notebook.contains(at) && !at?.closest('.cm-editor, .llm-transcript'));
    if (!isFree || focusCard(cell)) {
      observer.disconnect();
    }
  });
  observer.observe(cell, { childList: true, subtree: true });
  setTimeout(() => observer.disconnect(), OPENING);
}
