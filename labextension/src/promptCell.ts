/** The command that adds a cell in which to ask a model. */

import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

export const INSERT_PROMPT_CELL = 'llm-notebook:insert-prompt-cell';

/** What an empty prompt cell holds: the cursor ends up where the prompt goes. */
export const PROMPT_CELL_SOURCE = '%%llm\n';

/**
 * Register the command.
 *
 * It is made of JupyterLab's own notebook commands, so that undo, focus and
 * collaboration behave as they do for any other cell.
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
