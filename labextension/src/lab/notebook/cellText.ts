/** Reads and changes the text of a cell. Each change is one step in the cell's own undo history. */

import type { Cell } from '@jupyterlab/cells';

import type { IReplaceable } from '../../transcript';

type Text = Pick<Cell, 'model'>;

/** The text of a cell. */
export function sourceOf({ model }: Text): string {
  return model.sharedModel.getSource();
}

/** Whether the notebook allows the text of a cell to be changed. */
export function isEditable({ model }: Text): boolean {
  return model.getMetadata('editable') !== false;
}

/** A cell whose text can be replaced, and put back as long as nobody has changed it since. */
export function replaceable(cell: Text): IReplaceable {
  const before = sourceOf(cell);
  let after = before;
  return {
    replace: text => {
      setSource(cell, text);
      after = text;
    },
    undo: () => {
      const isAsLeft = sourceOf(cell) === after;
      if (isAsLeft) {
        setSource(cell, before);
      }
      return isAsLeft;
    }
  };
}

function setSource(cell: Text, source: string): void {
  const { sharedModel } = cell.model;
  sharedModel.updateSource(0, sharedModel.getSource().length, source);
}
