/** Adds the command that inserts a cell for a prompt. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

export const INSERT_PROMPT_CELL = 'llm-notebook:insert-prompt-cell';

/** The source of an empty prompt cell. The cursor ends up on its second line, where the prompt goes. */
export const PROMPT_CELL_SOURCE = '%%llm\n';

/**
 * Register the command.
 *
 * It runs JupyterLab's own notebook commands, so that undo, focus and
 * collaboration work as for any other cell.
 */
export function addInsertPromptCell(
  commands: CommandRegistry,
  trans: TranslationBundle
): void {
  commands.addCommand(INSERT_PROMPT_CELL, {
    label: trans.__('Ask a Model in a New Cell'),
    caption: trans.__('Insert a %%llm cell below the selected cell'),
    describedBy: {
      args: { type: 'object', properties: {}, additionalProperties: false }
    },
    isEnabled: () =>
      commands.hasCommand('notebook:insert-cell-below') &&
      commands.isEnabled('notebook:insert-cell-below'),
    execute: async () => {
      await commands.execute('notebook:insert-cell-below');
      await commands.execute('notebook:enter-edit-mode');
      await commands.execute('notebook:replace-selection', {
        text: PROMPT_CELL_SOURCE
      });
    }
  });
}
