/** Registers the plugins that this package adds to JupyterLab. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import {
  IEditorExtensionRegistry,
  IEditorLanguageRegistry
} from '@jupyterlab/codemirror';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

// Saved transcripts are among the first things on a page, so these are not loaded lazily.
/* eslint-disable jupyter/prefer-lazy-imports */
import { addCommands, addLines, COMMANDS } from './commands';
import { Clicks } from './lab/kernel/click';
import { Renames, Senders } from './lab/notebook/path';
import { Buses, Elsewhere, NotebookPlace } from './lab/notebook/place';
import { IPlaces, Places } from './lab/notebook/places';
import { RANK, transcriptFactory } from './lab/renderer';
import { promptCellFactory } from './promptCell';
import { PANEL } from './commands/ids';
import { PanelHolder } from './panel/holder';
import { StatusItem } from './statusBar';
/* eslint-enable jupyter/prefer-lazy-imports */

const DOMAIN = 'jupyter-llm-notebook';

const transcriptsPlugin: JupyterFrontEndPlugin<Places> = {
  id: 'jupyter-llm-notebook:transcripts',
  description: 'Shows what a model answered, and lets a reader decide.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker],
  provides: IPlaces,
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    notebooks: INotebookTracker | null
  ) => {
    rendermime.addFactory(transcriptFactory(new Elsewhere()), RANK);
    const buses = new Buses();
    const clicks = new Clicks();
    const senders = new Senders(new Renames(app.serviceManager.contents));
    const places = new Places(panel => {
      const runSelected = (): Promise<unknown> => {
        // Lab's command is about the notebook in front.
        app.shell.activateById(panel.id);
        return app.commands.execute('notebook:run-cell');
      };
      return new NotebookPlace(panel, buses, clicks, senders, runSelected);
    });
    // Each notebook gets a factory of its own, so that its transcripts know their kernel wherever they are shown.
    const connect = (panel: NotebookPanel): void =>
      panel.content.rendermime.addFactory(
        transcriptFactory(places.of(panel)),
        RANK
      );
    notebooks?.forEach(connect);
    notebooks?.widgetAdded.connect((_, panel) => connect(panel));
    return places;
  }
};

const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:commands',
  description: 'Commands for asking a model in a notebook.',
  autoStart: true,
  requires: [INotebookTracker, IPlaces],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    places: Places,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands, shell } = app;
    const work = { commands, notebooks, places, shell, trans };
    addCommands(work);
    COMMANDS.forEach(command =>
      palette?.addItem({ command, category: trans.__('Ask') })
    );
    const connect = (panel: NotebookPanel): void => addLines(panel, work);
    notebooks.forEach(connect);
    notebooks.widgetAdded.connect((_, panel) => connect(panel));
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
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    extensions.addExtension(promptCellFactory(languages, trans));
  }
};

const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:panel',
  description:
    'Shows what waits, runs, conversations, models, keys and usage beside the notebooks.',
  autoStart: true,
  requires: [INotebookTracker, IPlaces],
  optional: [ICommandPalette, ILayoutRestorer, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    places: Places,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;
    const settings = 'settingeditor:open';
    const openSettings = (): void =>
      void commands.execute(settings, { query: 'Language Models' });
    const holder = new PanelHolder({
      app,
      notebooks,
      places,
      state,
      trans,
      openSettings: () =>
        commands.hasCommand(settings) ? openSettings() : undefined
    });
    app.shell.add(holder, 'left', { rank: 650 });
    restorer?.add(holder, holder.id);
    commands.addCommand(PANEL, {
      label: trans.__('Language Models Panel'),
      caption: trans.__('Show what waits, runs, conversations and models'),
      describedBy: {
        args: { type: 'object', properties: { section: { type: 'string' } } }
      },
      execute: ({ section }) => holder.open(String(section ?? ''))
    });
    palette?.addItem({ command: PANEL, category: trans.__('Ask') });
  }
};

const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:status',
  description:
    'Shows the model, what waits and what was used in the status bar.',
  autoStart: true,
  requires: [INotebookTracker, IPlaces],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    places: Places,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const chooseModel = async (
      panel: NotebookPanel,
      { left, top }: DOMRect
    ): Promise<void> => {
      const { openModels } = await import('./commands/models');
      const at = { x: left, y: top };
      openModels(panel, places.of(panel).bus, at, trans);
    };
    const item = new StatusItem(
      notebooks,
      places,
      {
        chooseModel: (panel, at) => void chooseModel(panel, at),
        showWaiting: () =>
          void app.commands.execute(PANEL, { section: 'waiting' }),
        showUsage: () => void app.commands.execute(PANEL, { section: 'usage' })
      },
      trans
    );
    bar?.registerStatusItem('jupyter-llm-notebook:status', {
      item,
      align: 'left',
      rank: 3,
      isActive: () => item.isActive,
      activeStateChanged: item.changed
    });
  }
};

export default [
  transcriptsPlugin,
  commandsPlugin,
  promptCellsPlugin,
  panelPlugin,
  statusPlugin
];
