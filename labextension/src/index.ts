/** Registers the plugins that this package adds to JupyterLab. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import {
  IEditorExtensionRegistry,
  IEditorLanguageRegistry
} from '@jupyterlab/codemirror';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

// Saved transcripts are among the first things on a page, so these are not loaded lazily.
/* eslint-disable jupyter/prefer-lazy-imports */
import { Clicks } from './lab/click';
import { Renames, Senders } from './lab/path';
import { Buses, Elsewhere, NotebookPlace } from './lab/place';
import { RANK, transcriptFactory } from './lab/renderer';
import {
  addInsertPromptCell,
  INSERT_PROMPT_CELL,
  promptCellFactory
} from './promptCell';
/* eslint-enable jupyter/prefer-lazy-imports */

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

const transcriptsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:transcripts',
  description: 'Shows what a model answered, and lets a reader decide.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    notebooks: INotebookTracker | null
  ) => {
    rendermime.addFactory(transcriptFactory(new Elsewhere()), RANK);
    const buses = new Buses();
    const clicks = new Clicks();
    const senders = new Senders(new Renames(app.serviceManager.contents));
    // Each notebook gets a factory of its own, so that its transcripts know their kernel wherever they are shown.
    const connect = (panel: NotebookPanel): void => {
      const runSelected = (): Promise<unknown> => {
        // Lab's command is about the notebook in front.
        app.shell.activateById(panel.id);
        return app.commands.execute('notebook:run-cell');
      };
      const place = new NotebookPlace(
        panel,
        buses,
        clicks,
        senders,
        runSelected
      );
      panel.content.rendermime.addFactory(transcriptFactory(place), RANK);
    };
    notebooks?.forEach(connect);
    notebooks?.widgetAdded.connect((_, panel) => connect(panel));
  }
};

const promptCellsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:prompt-cells',
  description:
    'Shows cells that begin with %%llm as prompts instead of Python.',
  autoStart: true,
  requires: [IEditorExtensionRegistry, IEditorLanguageRegistry],
  optional: [ITranslator],
  activate: (
    _: JupyterFrontEnd,
    extensions: IEditorExtensionRegistry,
    languages: IEditorLanguageRegistry,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter-llm-notebook');
    extensions.addExtension(promptCellFactory(languages, trans));
  }
};

export default [commandsPlugin, promptCellsPlugin, transcriptsPlugin];
