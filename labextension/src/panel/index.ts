/**
 * The side panel: what waits, runs, conversations, models, keys, local models and
 * usage, as the kernels of the open notebooks tell it. Nothing here decides but the
 * card of a question, which is the one that its cell shows.
 */

import { MainAreaWidget } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { insertPrompt } from '../commands/promptCells';
import { attrs, button, el, refill } from '../transcript/dom/elements';
import { icon } from '../transcript/dom/icons';
import { Busy } from './busy';
import { Conversations } from './sections/conversations';
import { exportTalk } from './exporting';
import { indexOf, show } from './going';
import { Keys } from './sections/keys';
import { Local } from './sections/local';
import { Models } from './sections/models';
import { Nothing } from './nothing';
import { Runs } from './sections/runs';
import type { IPanel, IWhere, Section } from './section';
import type { ISource } from './sources';
import { Sources } from './sources';
import type { ISurroundings } from './surroundings';
import { Talk } from './talk';
import { Usage } from './sections/usage';
import { Waiting } from './sections/waiting';

const STATE = 'jupyter-llm-notebook:panel';
const OPEN_AT_FIRST = ['waiting', 'runs', 'conversations'];
/** How long to wait for more news before the kernels are asked again, in milliseconds. */
const SOON = 100;

export class SidePanel extends Widget {
  private readonly sources: Sources;
  private readonly select = el('select');
  private readonly nothing: Nothing;
  private readonly busy: Busy;
  private readonly live = attrs(el('div', 'llm-sr'), { role: 'status' });
  private readonly parts = el('div');
  private readonly waiting: Waiting;
  private readonly sections: Section<unknown>[];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly around: ISurroundings) {
    super();
    const { trans } = around;
    this.addClass('llm-lab');
    this.addClass('llm-side');
    attrs(this.node, {
      role: 'region',
      'aria-label': trans.__('Language models')
    });
    this.sources = new Sources(around.notebooks, around.places);
    this.busy = new Busy(trans);
    this.nothing = new Nothing(around, this.sources);
    const panel = this.shared();
    const keys = new Keys(panel);
    const enterKey = (name: string): void => {
      const opener = document.activeElement;
      panel.show('keys');
      keys.enter(name, opener);
    };
    this.waiting = new Waiting(panel);
    this.sections = [
      this.waiting,
      new Runs(panel),
      new Conversations(panel),
      new Models(panel, enterKey),
      keys,
      new Local(panel),
      new Usage(panel)
    ];
    this.parts.append(...this.sections.map(({ node }) => node));
    this.node.append(
      this.bar(),
      this.nothing.node,
      this.busy.node,
      this.parts,
      this.live
    );
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape' && !event.defaultPrevented) {
        this.sources.front?.content.activate();
      }
    });
    this.sources.changed.connect(() => this.soon());
    around.app.serviceManager.sessions.runningChanged.connect(
      this.nothing.refresh,
      this.nothing
    );
    void this.restore();
  }

  /** Open a section and bring it into view. */
  showSection(id: string): void {
    const section = this.sections.find(one => one.id === id);
    if (section) {
      section.isOpen = true;
      section.focus();
      if (section === this.waiting) {
        this.waiting.showFirst();
      }
      this.remember();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.refresh();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.refresh();
  }

  private bar(): HTMLElement {
    const { openSettings, trans } = this.around;
    attrs(this.select, { 'aria-label': trans.__('Which notebooks') });
    this.select.addEventListener('change', () =>
      this.sources.choose(this.select.value)
    );
    const settings =
      openSettings &&
      attrs(button('llm-icon-button', icon('settings'), openSettings), {
        'aria-label': trans.__('Settings'),
        title: trans.__('Settings')
      });
    const chooser = el('span', 'llm-select', this.select, icon('chevron'));
    return el('div', 'llm-side-bar', chooser, settings);
  }

  private shared(): IPanel {
    const { sources } = this;
    const { trans } = this.around;
    const front = (): NotebookPanel | null =>
      sources.front?.content.model?.readOnly === false ? sources.front : null;
    return {
      sources,
      busy: this.busy,
      trans,
      announce: text => refill(this.live, text),
      show: id => (id ? this.showSection(id) : this.soon()),
      goTo: (path, where) => void this.goTo(path, where),
      canPrompt: () => front() !== null,
      prompt: source => {
        const panel = front();
        if (panel) {
          this.around.app.shell.activateById(panel.id);
          void insertPrompt(panel.content, source);
        }
      },
      open: (source, id) => this.openTalk(source, id),
      write: (source, id) => {
        const folder = PathExt.dirname(sources.front?.context.path ?? '');
        const { contents } = this.around.app.serviceManager;
        void exportTalk(source, id, folder, contents, trans);
      }
    };
  }

  private openTalk(source: ISource, id: string): void {
    const { shell } = this.around.app;
    const name = `llm-talk-${id}`;
    const known = Array.from(shell.widgets('main')).find(
      one => one.id === name
    );
    if (!known) {
      const content = new Talk(source, id, this.shared());
      const widget = new MainAreaWidget({ content });
      widget.id = name;
      shell.add(widget, 'main');
    }
    shell.activateById(name);
  }

  private async goTo(path: string, where: IWhere): Promise<void> {
    const { commands, shell } = this.around.app;
    const holds = (panel: NotebookPanel): boolean => indexOf(panel, where) >= 0;
    const { open } = this.sources;
    let panel =
      open.find(one => one.context.path === path && holds(one)) ??
      open.find(holds) ??
      open.find(one => one.context.path === path);
    if (!panel && path && !path.startsWith('/')) {
      await commands.execute('docmanager:open', { path });
      panel = this.sources.open.find(one => one.context.path === path);
      await panel?.context.ready;
      await panel?.revealed;
    }
    if (panel) {
      shell.activateById(panel.id);
      const index = indexOf(panel, where);
      if (index >= 0) {
        await show(panel, index);
      }
    }
  }

  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), SOON);
  }

  private refresh(): void {
    if (this.isDisposed || !this.isVisible) {
      return;
    }
    this.drawChooser();
    const isJoined = this.sources.asked.length > 0;
    this.sources.open.forEach(panel =>
      this.sources.placeOf(panel).bus?.overview.want()
    );
    this.parts.hidden = !isJoined;
    this.nothing.refresh();
    if (isJoined) {
      this.sections.forEach(section => section.refresh());
    }
  }

  private drawChooser(): void {
    const { trans } = this.around;
    const paths = this.sources.open.map(({ context }) => context.path);
    const options = [
      ['', trans.__('All notebooks')],
      ...paths.map(path => [path, PathExt.basename(path)])
    ];
    const key = JSON.stringify(options);
    if (key !== this.select.dataset.options) {
      this.select.dataset.options = key;
      refill(
        this.select,
        ...options.map(([value, text]) =>
          attrs(el('option', '', text), { value })
        )
      );
    }
    this.select.value = this.sources.chosen;
  }

  /** Open what was open in this workspace. */
  private async restore(): Promise<void> {
    const { state } = this.around;
    const kept = (await state?.fetch(STATE).catch(() => undefined)) as
      { open?: unknown } | undefined;
    const open = Array.isArray(kept?.open) ? kept.open : OPEN_AT_FIRST;
    this.sections.forEach(section => {
      section.isOpen ||= open.includes(section.id);
      section.toggled = () => this.remember();
    });
  }

  private remember(): void {
    const open = this.sections
      .filter(({ isOpen }) => isOpen)
      .map(({ id }) => id);
    void this.around.state?.save(STATE, { open });
  }
}
