import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { expect, test } from 'vitest';

import {
  addInsertPromptCell,
  INSERT_PROMPT_CELL,
  PROMPT_CELL_SOURCE
} from './insert';

const trans = nullTranslator.load('jupyter-llm-notebook');

/** A registry with JupyterLab's notebook commands acting on a list of cells. */
function notebookOf(cells: string[], enabled = true): CommandRegistry {
  const commands = new CommandRegistry();
  commands.addCommand('notebook:insert-cell-below', {
    isEnabled: () => enabled,
    execute: () => cells.push('')
  });
  commands.addCommand('notebook:enter-edit-mode', { execute: () => undefined });
  commands.addCommand('notebook:replace-selection', {
    execute: args => {
      cells[cells.length - 1] = String(args['text']);
    }
  });
  addInsertPromptCell(commands, trans);
  return commands;
}

test('a prompt cell is added below, ready to be typed into', async () => {
  const cells = ['import pandas'];
  await notebookOf(cells).execute(INSERT_PROMPT_CELL);
  expect(cells).toEqual(['import pandas', PROMPT_CELL_SOURCE]);
});

test('without a notebook the command is disabled', () => {
  expect(notebookOf([], false).isEnabled(INSERT_PROMPT_CELL)).toBe(false);
});

test('without the notebook extension the command is disabled', () => {
  const commands = new CommandRegistry();
  addInsertPromptCell(commands, trans);
  expect(commands.isEnabled(INSERT_PROMPT_CELL)).toBe(false);
});
