/** Says which cells hold code, and which text is selected in a notebook. */

import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { Notebook } from '@jupyterlab/notebook';

/** Whether a cell is a code cell. */
export function isCode(cell: Cell): cell is CodeCell {
  return cell.model.type === 'code';
}

/** The text that is selected in the active cell's editor, or else in its output; empty if none is. */
export function selectionIn(notebook: Notebook): {
  text: string;
  isFromEditor: boolean;
} {
  const cell = notebook.activeCell;
  const editor = cell?.editor;
  const range = editor?.getSelection();
  if (editor && range) {
    const [from, to] = [range.start, range.end]
      .map(position => editor.getOffsetAt(position))
      .sort((a, b) => a - b);
    if (from < to) {
      const text = editor.model.sharedModel.getSource().slice(from, to);
      return { text, isFromEditor: true };
    }
  }
  const selection = window.getSelection();
  const isHere = cell?.node.contains(selection?.anchorNode ?? null) ?? false;
  return {
    text: isHere ? (selection?.toString() ?? '') : '',
    isFromEditor: false
  };
}
