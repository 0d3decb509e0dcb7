/** Registers the plugins that this package adds to JupyterLab. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
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
import { Renames, RequestSigner } from './lab/notebook/path';
import { Buses, KernellessPlace, NotebookPlace } from './lab/notebook/place';
import { IPlaces, Places } from './lab/notebook/places';
import { followNewCells } from './lab/notebook/promptFirst';
import { IOptions, Options } from './lab/options';
import { RANK, transcriptFactory } from './lab/renderer';
import { promptCellFactory } from './promptCell';
import { Arounds } from './badges';
import { ASK_ICON_URL } from './commands/icon';
import { PANEL, PROMPT_NOTEBOOK } from './commands/ids';
import { PanelHolder } from './panel/holder';
import { StatusItem } from './statusBar';
import { translateBy } from './transcript';
/* eslint-enable jupyter/prefer-lazy-imports */

const DOMAIN = 'jupyter-llm-notebook';

const transcriptsPlugin: JupyterFrontEndPlugin<Places> = {
  id: 'jupyter-llm-notebook:transcripts',
  description: 'Shows what a model answered, and lets a reader decide.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [INotebookTracker, ITranslator],
  provides: IPlaces,
  activate: (
    app: JupyterFrontEnd,
    rendermime: IRenderMimeRegistry,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null
  ) => {
    translateBy(translator?.load(DOMAIN) ?? null);
    rendermime.addFactory(transcriptFactory(new KernellessPlace()), RANK);
    const buses = new Buses();
    const clicks = new Clicks();
    const senders = new RequestSigner(new Renames(app.serviceManager.contents));
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

const settingsPlugin: JupyterFrontEndPlugin<Options> = {
  id: 'jupyter-llm-notebook:settings',
  description: 'What a user has set.',
  autoStart: true,
  optional: [ISettingRegistry],
  provides: IOptions,
  activate: (_: JupyterFrontEnd, registry: ISettingRegistry | null) => {
    const options = new Options();
    if (registry) {
      options.follow(registry, settingsPlugin.id);
    }
    return options;
  }
};

const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:commands',
  description: 'Commands for asking a model in a notebook.',
  autoStart: true,
  requires: [INotebookTracker, IPlaces, IOptions],
  optional: [ICommandPalette, ILauncher, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    places: Places,
    options: Options,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands, serviceManager, shell } = app;
    const { kernelspecs } = serviceManager;
    const work = {
      commands,
      kernelspecs,
      notebooks,
      options,
      places,
      shell,
      trans
    };
    launcher?.add({
      command: PROMPT_NOTEBOOK,
      category: trans.__('Notebook'),
      kernelIconUrl: ASK_ICON_URL,
      rank: 10
    });
    addCommands(work);
    COMMANDS.forEach(command =>
      palette?.addItem({ command, category: trans.__('Ask') })
    );
    const connect = (panel: NotebookPanel): void => {
      addLines(panel, work);
      void followNewCells(panel, () => options.promptFirst);
    };
    notebooks.forEach(connect);
    notebooks.widgetAdded.connect((_, panel) => connect(panel));
  }
};

const promptCellsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:prompt-cells',
  description:
    'Shows cells that begin with %%llm as prompts instead of Python.',
  autoStart: true,
  requires: [IEditorExtensionRegistry, IEditorLanguageRegistry, IOptions],
  optional: [INotebookTracker, IPlaces, ITranslator],
  activate: (
    _: JupyterFrontEnd,
    extensions: IEditorExtensionRegistry,
    languages: IEditorLanguageRegistry,
    options: Options,
    notebooks: INotebookTracker | null,
    places: Places | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const around = new Arounds(notebooks, places, options, trans);
    extensions.addExtension(
      promptCellFactory(languages, trans, model => around.of(model))
    );
  }
};

const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-llm-notebook:panel',
  description:
    'Shows what waits, runs, conversations, models, keys and usage beside the notebooks.',
  autoStart: true,
  requires: [INotebookTracker, IPlaces, IOptions],
  optional: [ICommandPalette, ILayoutRestorer, IStateDB, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    places: Places,
    options: Options,
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
    let side = '';
    const put = (): void => {
      const wanted = options.panelOnRight ? 'right' : 'left';
      if (side !== wanted) {
        side = wanted;
        app.shell.add(holder, side, { rank: 650 });
      }
    };
    put();
    restorer?.add(holder, holder.id);
    options.changed.connect(put);
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
  requires: [INotebookTracker, IPlaces, IOptions],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    places: Places,
    options: Options,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const chooseModel = async (
      panel: NotebookPanel,
      { left, top }: DOMRect
    ): Promise<void> => {
      const { notebookChooser, openModels } = await import('./commands/models');
      const { bus } = places.of(panel);
      const at = { x: left, y: top };
      openModels(notebookChooser(panel, bus, trans), bus, at, trans);
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
    options.changed.connect(() => item.changed.emit());
    bar?.registerStatusItem('jupyter-llm-notebook:status', {
      item,
      align: 'left',
      rank: 3,
      isActive: () => options.statusBar && item.isActive,
      activeStateChanged: item.changed
    });
  }
};

export default [
  settingsPlugin,
  transcriptsPlugin,
  commandsPlugin,
  promptCellsPlugin,
  panelPlugin,
  statusPlugin
];
