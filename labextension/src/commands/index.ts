/** The commands of the palette, the menus, the cell toolbar and the keyboard. What they do is loaded when one is first used. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { Cell, CodeCell } from '@jupyterlab/cells';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { KernelSpec } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { isEditable, sourceOf } from '../lab/notebook/cellText';
import { isPromptFirst, setPromptFirst } from '../lab/notebook/chosenModel';
import type { Places } from '../lab/notebook/places';
import type { IOptions } from '../lab/options';
import { addErrorLines } from './errorLines';
import { askIcon } from './icon';
import * as ids from './ids';
import { isCode, selectionIn } from './selection';
import { hasFailed, transcriptIn } from './outputs';
import { EMPTY_PROMPT, isPrompt } from './promptText';

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

/** What the commands need from JupyterLab. */
export interface IWorkplace {
  commands: CommandRegistry;
  kernelspecs: KernelSpec.IManager;
  notebooks: INotebookTracker;
  places: Places;
  shell: JupyterFrontEnd.IShell;
  trans: TranslationBundle;
  options: IOptions;
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

/** What the commands act on: the notebook in front, and what is active in it. */
class Front {
  constructor(private readonly work: IWorkplace) {}

  /** The notebook in front; null where another tab is, such as a tool that is docked beside it. */
  get panel(): NotebookPanel | null {
    const { notebooks, shell } = this.work;
    return notebooks.currentWidget === shell.currentWidget
      ? notebooks.currentWidget
      : null;
  }

  get isWritable(): boolean {
    return this.panel?.content.model?.readOnly === false;
  }

  get cell(): Cell | null {
    return this.panel?.content.activeCell ?? null;
  }

  get codeCell(): CodeCell | null {
    const { cell } = this;
    return cell && isCode(cell) ? cell : null;
  }

  /** The active cell, if a model could explain its error. */
  get failedCell(): CodeCell | null {
    const { panel, codeCell } = this;
    return panel && codeCell && canExplain(this.work, panel, codeCell)
      ? codeCell
      : null;
  }

  /** Add a command that acts in this notebook. */
  add(
    id: string,
    options: Omit<CommandRegistry.ICommandOptions, 'execute'>,
    execute: (panel: NotebookPanel) => Promise<void>
  ): void {
    this.work.commands.addCommand(id, {
      describedBy: DESCRIBED,
      ...options,
      execute: async () => {
        const { panel } = this;
        if (panel) {
          await execute(panel);
        }
      }
    });
  }
}

/** Register all commands, and keep what is enabled up to date. */
export function addCommands(work: IWorkplace): void {
  const { commands, notebooks } = work;
  const front = new Front(work);
  addQuestions(front, work);
  addPrompts(front, work);
  addExplanations(front, work);
  addForNotebook(front, work);
  addPromptFirst(front, work);
  addWaiting(work);
  const tell = (): void =>
    COMMANDS.forEach(id => commands.notifyCommandChanged(id));
  notebooks.activeCellChanged.connect(tell);
  notebooks.currentChanged.connect(tell);
}

/** Add the commands that write a question about something in the notebook, or go on from an answer. */
function addQuestions(front: Front, { options, trans }: IWorkplace): void {
  front.add(
    ids.ASK_CELL,
    {
      label: trans.__('Ask About This Cell'),
      caption: trans.__('Write a question about this cell below it'),
      icon: askIcon,
      isEnabled: () => front.isWritable && front.cell !== null
    },
    async panel =>
      (await import('./actions')).askAboutCell(
        panel,
        options.asksAbove ? 'above' : '1'
      )
  );
  front.add(
    ids.ASK_SELECTION,
    {
      label: trans.__('Ask About the Selection'),
      caption: trans.__('Write a question about the text that is selected'),
      isEnabled: () =>
        front.isWritable && selectionIn(front.panel!.content).text.trim() !== ''
    },
    async panel => {
      const { text, isFromEditor } = selectionIn(panel.content);
      const asking = await import('./actions');
      await asking.askAboutSelection(panel, text, isFromEditor, trans);
    }
  );
  front.add(
    ids.CONTINUE,
    {
      label: trans.__('Continue the Conversation Here'),
      isEnabled: () =>
        front.isWritable && transcriptIn(front.codeCell?.model.outputs) !== ''
    },
    async panel => (await import('./actions')).continueHere(panel)
  );
}

/** Add the commands that make prompt cells. */
function addPrompts(front: Front, { trans }: IWorkplace): void {
  front.add(
    ids.NEW_PROMPT,
    {
      label: trans.__('New Prompt Cell'),
      caption: trans.__('Insert a %1 cell below this one', '%%llm'),
      isEnabled: () => front.isWritable
    },
    async panel =>
      (await import('./promptCells')).insertPrompt(panel.content, EMPTY_PROMPT)
  );
  let toggler: Promise<import('./promptCells').PromptToggler> | undefined;
  front.add(
    ids.TOGGLE_PROMPT,
    {
      label: () =>
        isPrompt(front.cell ? sourceOf(front.cell) : '')
          ? trans.__('Turn Into Code Cell')
          : trans.__('Turn Into Prompt Cell'),
      isEnabled: () =>
        front.isWritable && front.cell !== null && isEditable(front.cell)
    },
    async panel => {
      toggler ??= import('./promptCells').then(
        ({ PromptToggler }) => new PromptToggler()
      );
      (await toggler).toggle(panel.content);
    }
  );
}

/** Add the commands that ask a model about an error. */
function addExplanations(front: Front, { places, trans }: IWorkplace): void {
  const explain = async (
    panel: NotebookPanel,
    asksForFix: boolean
  ): Promise<void> => {
    const cell = front.failedCell;
    if (cell) {
      const asking = await import('./actions');
      await asking.explain(places.of(panel), cell, asksForFix);
    }
  };
  front.add(
    ids.EXPLAIN,
    {
      label: trans.__('Explain This Error'),
      caption: trans.__(
        'Send this cell, the error and the values that it names to a model'
      ),
      isEnabled: () => front.failedCell !== null
    },
    panel => explain(panel, false)
  );
  front.add(
    ids.FIX,
    {
      label: trans.__('Fix This Cell…'),
      caption: trans.__('Ask a model for a cell that works; it is not run'),
      isEnabled: () => front.isWritable && front.failedCell !== null
    },
    panel => explain(panel, true)
  );
}

/** Add the commands about the notebook as a whole: what runs in it, and which model answers. */
function addForNotebook(front: Front, { places, trans }: IWorkplace): void {
  front.add(
    ids.RUN_BELOW,
    {
      label: trans.__('Run the Cells Below'),
      isEnabled: () => {
        const notebook = front.panel?.content;
        return (
          notebook !== undefined &&
          notebook.activeCellIndex < notebook.widgets.length - 1
        );
      }
    },
    async panel => (await import('./actions')).runBelow(panel)
  );
  front.add(
    ids.CHOOSE_MODEL,
    {
      label: trans.__('Choose a Model…'),
      caption: trans.__('Choose the model that answers in this notebook'),
      isEnabled: () => front.panel !== null
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
}

/** Add the commands that make new cells prompts: of the notebook in front, and of a new one. */
function addPromptFirst(
  front: Front,
  { commands, kernelspecs, trans }: IWorkplace
): void {
  front.add(
    ids.PROMPT_FIRST,
    {
      label: trans.__('New Cells Are Prompts'),
      caption: trans.__('Make new cells of this notebook prompts'),
      isToggleable: true,
      isToggled: () =>
        isPromptFirst(front.panel?.content.model ?? null) ?? false,
      isEnabled: () => front.isWritable
    },
    async ({ content: { model } }) => {
      if (model) {
        setPromptFirst(model, !isPromptFirst(model));
        commands.notifyCommandChanged(ids.PROMPT_FIRST);
      }
    }
  );
  commands.addCommand(ids.PROMPT_NOTEBOOK, {
    describedBy: {
      args: { type: 'object', properties: { cwd: { type: 'string' } } }
    },
    label: trans.__('Prompt Notebook'),
    caption: trans.__('Make a notebook whose new cells are prompts'),
    icon: askIcon,
    execute: async ({ cwd }) =>
      (await import('./actions')).newPromptNotebook(
        commands,
        kernelspecs.specs,
        cwd
      )
  });
}

/** Add the command that goes to the next question, in whichever notebook it waits. */
function addWaiting(work: IWorkplace): void {
  const { commands, notebooks, places, shell, trans } = work;
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
      const { sayNothingWaits, showWaiting } = await import('./actions');
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
}

/** Put a line below the errors of a notebook, which asks a model about them. */
export function addLines(panel: NotebookPanel, work: IWorkplace): void {
  const place = work.places.of(panel);
  addErrorLines(
    panel.content.rendermime,
    {
      changes: [place.changed, work.options.changed],
      canExplain: shown => {
        const cell = place.cellOf(shown);
        const { explains } = work.options;
        return explains && cell !== undefined && canExplain(work, panel, cell);
      },
      explain: async (shown, asksForFix) => {
        const cell = place.cellOf(shown);
        if (cell) {
          const asking = await import('./actions');
          await asking.explain(place, cell, asksForFix);
        }
      }
    },
    work.trans
  );
}
