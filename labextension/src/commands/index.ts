/** The commands of the palette, the menus, the cell toolbar and the keyboard. What they do is loaded when one is first used. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { isEditable, sourceOf } from '../lab/notebook/cellText';
import { isPromptFirst, setPromptFirst } from '../lab/notebook/chosenModel';
import type { Places } from '../lab/notebook/places';
import type { IOptions } from '../lab/options';
import { addErrorLines } from './failed';
import { askIcon } from './icon';
import * as ids from './ids';
import { isCode, selectionIn } from './kinds';
import { hasFailed, transcriptIn } from './outputs';
import { EMPTY_PROMPT, isPrompt } from './sources';

/** The commands, in the order of the palette. */
export const COMMANDS = [
  ids.ASK_CELL,
  ids.ASK_SELECTION,
  ids.NEW_PROMPT,
  ids.TOGGLE_PROMPT,
  ids.EXPLAIN,
  ids.FIX,
  ids.CONTINUE,
  ids.RUN_BELOW,
  ids.SHOW_WAITING,
  ids.CHOOSE_MODEL,
  ids.PROMPT_FIRST,
  ids.PROMPT_NOTEBOOK
];

/** What commands act in. */
export interface IWorkplace {
  commands: CommandRegistry;
  notebooks: INotebookTracker;
  places: Places;
  shell: JupyterFrontEnd.IShell;
  trans: TranslationBundle;
  options: IOptions;
  /** The folder in which a new notebook is made; undefined for the one that JupyterLab chooses. */
  folder: () => string | undefined;
}

const DESCRIBED = {
  args: { type: 'object', properties: {}, additionalProperties: false }
};

/** Whether a cell has failed, and a kernel is there that could tell a model about it. */
export function canExplain(
  { places }: Pick<IWorkplace, 'places'>,
  panel: NotebookPanel,
  cell: CodeCell
): boolean {
  return (
    !isPrompt(sourceOf(cell)) &&
    panel.content.codeMimetype.includes('python') &&
    places.of(panel).hasKernel &&
    hasFailed(cell.model.outputs)
  );
}

export function addCommands(work: IWorkplace): void {
  const { commands, notebooks, places, shell, trans } = work;

  /** The notebook in front. It is not what a tool that is docked beside it shows. */
  const here = (): NotebookPanel | null =>
    notebooks.currentWidget === shell.currentWidget
      ? notebooks.currentWidget
      : null;
  const isWritable = (): boolean => here()?.content.model?.readOnly === false;
  const active = (): Cell | null => here()?.content.activeCell ?? null;
  const activeCode = (): CodeCell | null => {
    const cell = active();
    return cell && isCode(cell) ? cell : null;
  };
  const failed = (): CodeCell | null => {
    const [panel, cell] = [here(), activeCode()];
    return panel && cell && canExplain(work, panel, cell) ? cell : null;
  };
  const add = (
    id: string,
    options: Omit<CommandRegistry.ICommandOptions, 'execute'>,
    execute: (panel: NotebookPanel) => Promise<void>
  ): void => {
    commands.addCommand(id, {
      describedBy: DESCRIBED,
      ...options,
      execute: async () => {
        const panel = here();
        if (panel) {
          await execute(panel);
        }
      }
    });
  };
  const explain = async (asksForFix: boolean): Promise<void> => {
    const [panel, cell] = [here(), failed()];
    if (panel && cell) {
      const asking = await import('./asking');
      await asking.explain(places.of(panel), cell, asksForFix);
    }
  };

  add(
    ids.ASK_CELL,
    {
      label: trans.__('Ask About This Cell'),
      icon: askIcon,
      isEnabled: () => isWritable() && active() !== null
    },
    async panel =>
      (await import('./asking')).askAboutCell(panel, work.options.askSends)
  );
  add(
    ids.ASK_SELECTION,
    {
      label: trans.__('Ask About the Selection'),
      caption: trans.__('Write a question about the text that is selected'),
      isEnabled: () =>
        isWritable() && selectionIn(here()!.content).text.trim() !== ''
    },
    async panel => {
      const { text, isFromEditor } = selectionIn(panel.content);
      const asking = await import('./asking');
      await asking.askAboutSelection(panel, text, isFromEditor, trans);
    }
  );
  add(
    ids.NEW_PROMPT,
    {
      label: trans.__('New Prompt Cell'),
      caption: trans.__('Insert a %%llm cell below this one'),
      isEnabled: isWritable
    },
    async panel =>
      (await import('./cells')).insertPrompt(panel.content, EMPTY_PROMPT)
  );
  let turning: Promise<import('./cells').Turning> | undefined;
  add(
    ids.TOGGLE_PROMPT,
    {
      label: () =>
        isPrompt(active() ? sourceOf(active()!) : '')
          ? trans.__('Turn Into Code Cell')
          : trans.__('Turn Into Prompt Cell'),
      isEnabled: () =>
        isWritable() && active() !== null && isEditable(active()!)
    },
    async panel => {
      turning ??= import('./cells').then(({ Turning }) => new Turning());
      (await turning).turn(panel.content);
    }
  );
  add(
    ids.EXPLAIN,
    {
      label: trans.__('Explain This Error'),
      caption: trans.__(
        'Send this cell, the error and the values that it names to a model'
      ),
      isEnabled: () => failed() !== null
    },
    () => explain(false)
  );
  add(
    ids.FIX,
    {
      label: trans.__('Fix This Cell…'),
      caption: trans.__('Ask a model for a cell that works; it is not run'),
      isEnabled: () => isWritable() && failed() !== null
    },
    () => explain(true)
  );
  add(
    ids.CONTINUE,
    {
      label: trans.__('Continue the Conversation Here'),
      isEnabled: () =>
        isWritable() && transcriptIn(activeCode()?.model.outputs) !== ''
    },
    async panel => (await import('./asking')).continueHere(panel)
  );
  add(
    ids.RUN_BELOW,
    {
      label: trans.__('Run the Cells Below'),
      isEnabled: () =>
        here() !== null &&
        here()!.content.activeCellIndex < here()!.content.widgets.length - 1
    },
    async panel => (await import('./asking')).runBelow(panel)
  );
  add(
    ids.CHOOSE_MODEL,
    {
      label: trans.__('Choose a Model…'),
      caption: trans.__('Choose the model that answers in this notebook'),
      isEnabled: () => here() !== null
    },
    async panel => {
      const { bottom, left } = (
        panel.content.activeCell ?? panel
      ).node.getBoundingClientRect();
      const { notebookChooser, openModels } = await import('./models');
      const { bus } = places.of(panel);
      const chooser = notebookChooser(panel, bus, trans);
      openModels(chooser, bus, { x: left, y: bottom }, trans);
    }
  );
  add(
    ids.PROMPT_FIRST,
    {
      label: trans.__('New Cells Are Prompts'),
      caption: trans.__('Make new cells of this notebook prompts'),
      isToggleable: true,
      isToggled: () => isPromptFirst(here()?.content.model ?? null) ?? false,
      isEnabled: isWritable
    },
    async ({ content: { model } }) => {
      if (model) {
        setPromptFirst(model, !isPromptFirst(model));
        commands.notifyCommandChanged(ids.PROMPT_FIRST);
      }
    }
  );
  commands.addCommand(ids.PROMPT_NOTEBOOK, {
    describedBy: DESCRIBED,
    label: trans.__('Prompt Notebook'),
    caption: trans.__('Make a notebook whose new cells are prompts'),
    icon: askIcon,
    execute: async () =>
      (await import('./asking')).newPromptNotebook(commands, work.folder())
  });
  commands.addCommand(ids.SHOW_WAITING, {
    describedBy: DESCRIBED,
    label: trans.__('Show What Waits'),
    caption: trans.__('Go to the next question that waits for your decision'),
    isEnabled: () => notebooks.currentWidget !== null,
    execute: async () => {
      const panels: NotebookPanel[] = [];
      notebooks.forEach(panel => panels.push(panel));
      const current = notebooks.currentWidget;
      panels.sort((a, b) => Number(b === current) - Number(a === current));
      const { sayNothingWaits, showWaiting } = await import('./asking');
      const show = (panel: NotebookPanel): void => shell.activateById(panel.id);
      if (await showWaiting(panels, show)) {
        return;
      }
      // It waits in a notebook that is not open.
      const waits = panels.some(
        panel => places.of(panel).bus?.overview.latest?.waits
      );
      if (waits && commands.hasCommand(ids.PANEL)) {
        await commands.execute(ids.PANEL, { section: 'waiting' });
      } else {
        sayNothingWaits(trans);
      }
    }
  });

  const tell = (): void =>
    COMMANDS.forEach(id => commands.notifyCommandChanged(id));
  notebooks.activeCellChanged.connect(tell);
  notebooks.currentChanged.connect(tell);
}

/** Put a line below the errors of a notebook, which asks a model about them. */
export function addLines(panel: NotebookPanel, work: IWorkplace): void {
  const place = work.places.of(panel);
  addErrorLines(
    panel.content.rendermime,
    {
      changed: place.changed,
      canExplain: shown => {
        const cell = place.cellOf(shown);
        const { explains } = work.options;
        return explains && cell !== undefined && canExplain(work, panel, cell);
      },
      explain: async (shown, asksForFix) => {
        const cell = place.cellOf(shown);
        if (cell) {
          const asking = await import('./asking');
          await asking.explain(place, cell, asksForFix);
        }
      }
    },
    work.trans
  );
}
