/** The plugins that this package adds to JupyterLab. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addInsertPromptCell, INSERT_PROMPT_CELL } from './promptCell';

const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:commands',
  description: 'Commands for asking a model in a notebook.',
  autoStart: true,
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-llm-notebook');
    addInsertPromptCell(app.commands, trans);
    palette?.addItem({
      command: INSERT_PROMPT_CELL,
      category: trans.__('Language Models')
    });
  }
};

export default commandsPlugin;
