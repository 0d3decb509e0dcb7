/** What a user has set in JupyterLab's settings editor. `schema/settings.json` describes it. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Token } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

export class Options {
  /** Whether new notebooks begin with a prompt, and new cells of them are prompts. */
  promptFirst = false;
  /** Whether each prompt shows its model. */
  badge = true;
  /** Whether failed cells offer to be explained and mended. */
  explains = true;
  /** Whether all cells above go with a question about a cell, and not only the cell itself. */
  asksAbove = false;
  /** Whether the status bar has our item. */
  statusBar = true;
  /** Whether the panel is at the right side of the window. */
  panelOnRight = false;

  private readonly changes = new Signal<this, void>(this);

  get changed(): ISignal<this, void> {
    return this.changes;
  }

  /** Follow the settings of a plugin. Where they cannot be read, the options stay as they are. */
  follow(registry: ISettingRegistry, plugin: string): void {
    const take = ({ composite }: ISettingRegistry.ISettings): void => {
      this.take(composite);
    };
    registry.load(plugin).then(
      settings => {
        settings.changed.connect(take);
        take(settings);
      },
      (error: unknown) => console.warn(error)
    );
  }

  take(set: Record<string, unknown>): void {
    const flag = (name: string, usual: boolean): boolean =>
      typeof set[name] === 'boolean' ? (set[name] as boolean) : usual;
    this.promptFirst = flag('promptFirst', false);
    this.badge = flag('badge', true);
    this.explains = flag('explains', true);
    this.statusBar = flag('statusBar', true);
    this.asksAbove = flag('asksAbove', false);
    this.panelOnRight = flag('panelOnRight', false);
    this.changes.emit();
  }
}

export type IOptions = Options;

export const IOptions = new Token<IOptions>(
  'jupyter-llm-notebook:options',
  'What a user has set.'
);
