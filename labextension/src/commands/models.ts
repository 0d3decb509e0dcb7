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

/**
 * Open the menu. It has commands of its own, so no link in an output can execute them.
 *
 * @param at where the menu opens; above that point if there is no room below.
 */
export function openModels(
  panel: NotebookPanel,
  bus: KernelBus | null,
  at: { x: number; y: number },
  trans: TranslationBundle
): Menu {
  const menu = new Menu({ commands: commandsFor(panel, bus, trans) });
  menu.title.label = trans.__('Model of this notebook');
  menu.contentNode.setAttribute('aria-label', menu.title.label);
  const known = bus?.overview.latest;
  const chosen = panel.content.model ? chosenModel(panel.content.model) : '';
  if (!known) {
    menu.addItem({ command: 'unknown' });
  } else {
    menu.addItem({ command: 'choose', args: { model: '' } });
    const ids = known.models.map(({ id }) => id);
    const others = chosen && !ids.includes(chosen) ? [chosen] : [];
    [...others, ...ids].forEach(model =>
      menu.addItem({ command: 'choose', args: { model } })
    );
    menu.addItem({ command: 'everywhere', args: { model: chosen } });
  }
  menu.aboutToClose.connect(() => void setTimeout(() => menu.dispose()));
  menu.open(at.x, at.y);
  return menu;
}

function commandsFor(
  panel: NotebookPanel,
  bus: KernelBus | null,
  trans: TranslationBundle
): CommandRegistry {
  const commands = new CommandRegistry();
  const notebook = panel.content.model;
  const known = bus?.overview.latest;
  const isLocal = (model: string): boolean =>
    known?.models.some(({ id, local }) => local && id === model) ?? false;
  const isWritable = (): boolean => notebook !== null && !notebook.readOnly;
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
        ? trans.__('Your default (%1)', known?.default ?? '')
        : isLocal(String(model))
          ? trans.__('%1, on this computer', shownModel(String(model)))
          : shownModel(String(model)),
    isToggleable: true,
    isToggled: ({ model }) =>
      notebook !== null && chosenModel(notebook) === model,
    icon: ({ model }) =>
      notebook && chosenModel(notebook) === model ? checkIcon : undefined,
    isEnabled: isWritable,
    execute: ({ model }) => notebook && chooseModel(notebook, String(model))
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
