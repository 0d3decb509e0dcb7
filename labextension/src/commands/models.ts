/** The menu in which the model of a notebook is chosen. */

import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { checkIcon } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import type { KernelBus } from '../lab/kernel/bus';
import {
  chooseModel,
  chosenModel,
  shownModel
} from '../lab/notebook/chosenModel';

const DESCRIBED = { args: { type: 'object' as const } };

/** What a model is chosen for. */
export interface IChooser {
  /** The name of the menu. */
  title: string;
  /** The model that is chosen; empty if none is. */
  chosen: string;
  /** What stands for none. */
  none: string;
  isWritable: boolean;
  choose: (model: string) => void;
  /** Whether the chosen one can be made the default everywhere. */
  hasEverywhere: boolean;
}

/** Choose the model of a notebook. */
export function notebookChooser(
  panel: NotebookPanel,
  bus: KernelBus | null,
  trans: TranslationBundle
): IChooser {
  const { model } = panel.content;
  return {
    title: trans.__('Model of this notebook'),
    chosen: model ? chosenModel(model) : '',
    none: trans.__('Your default (%1)', bus?.overview.latest?.default ?? ''),
    isWritable: model !== null && !model.readOnly,
    choose: chosen => model && chooseModel(model, chosen),
    hasEverywhere: true
  };
}

/**
 * Open the menu. It has commands of its own, so no link in an output can execute them.
 *
 * @param at where the menu opens; above that point if there is no room below.
 */
export function openModels(
  chooser: IChooser,
  bus: KernelBus | null,
  at: { x: number; y: number },
  trans: TranslationBundle
): Menu {
  const opener = document.activeElement;
  const menu = new Menu({ commands: commandsFor(chooser, bus, trans) });
  menu.title.label = chooser.title;
  menu.contentNode.setAttribute('aria-label', menu.title.label);
  const known = bus?.overview.latest;
  const { chosen } = chooser;
  if (!known) {
    menu.addItem({ command: 'unknown' });
  } else {
    menu.addItem({ command: 'choose', args: { model: '' } });
    const ids = known.models.map(({ id }) => id);
    const others = chosen && !ids.includes(chosen) ? [chosen] : [];
    [...others, ...ids].forEach(model =>
      menu.addItem({ command: 'choose', args: { model } })
    );
    if (chooser.hasEverywhere) {
      menu.addItem({ command: 'everywhere', args: { model: chosen } });
    }
  }
  menu.aboutToClose.connect(
    () =>
      void setTimeout(() => {
        menu.dispose();
        // A menu that closes leaves the focus nowhere, unless what was chosen has taken it.
        if (document.activeElement === document.body) {
          (opener as HTMLElement | null)?.focus();
        }
      })
  );
  menu.open(at.x, at.y);
  return menu;
}

function commandsFor(
  chooser: IChooser,
  bus: KernelBus | null,
  trans: TranslationBundle
): CommandRegistry {
  const commands = new CommandRegistry();
  const known = bus?.overview.latest;
  const isLocal = (model: string): boolean =>
    known?.models.some(({ id, local }) => local && id === model) ?? false;
  commands.addCommand('unknown', {
    describedBy: DESCRIBED,
    label: trans.__('Run %load_ext llm_notebook to see the models'),
    isEnabled: () => false,
    execute: () => undefined
  });
  commands.addCommand('choose', {
    describedBy: DESCRIBED,
    label: ({ model }) =>
      model === ''
        ? chooser.none
        : isLocal(String(model))
          ? trans.__('%1, on this computer', shownModel(String(model)))
          : shownModel(String(model)),
    isToggleable: true,
    isToggled: ({ model }) => chooser.chosen === model,
    icon: ({ model }) => (chooser.chosen === model ? checkIcon : undefined),
    isEnabled: () => chooser.isWritable,
    execute: ({ model }) => chooser.choose(String(model))
  });
  commands.addCommand('everywhere', {
    describedBy: DESCRIBED,
    label: ({ model }) =>
      model
        ? trans.__('Make %1 the default everywhere', shownModel(String(model)))
        : trans.__('Make it the default everywhere'),
    isEnabled: ({ model }) =>
      Boolean(model) &&
      model !== known?.default &&
      (known?.models.some(({ id }) => id === model) ?? false),
    execute: ({ model }) => bus?.setDefault(String(model))
  });
  return commands;
}
