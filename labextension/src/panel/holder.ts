/** The place of the side panel, which is all that a page has of it until it is first shown. */

import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';

import { askIcon } from '../commands/icon';
import type { SidePanel } from './index';
import type { ISurroundings } from './surroundings';

export class PanelHolder extends Widget {
  private loading: Promise<SidePanel> | undefined;

  constructor(private readonly around: ISurroundings) {
    super();
    const { notebooks, places, trans } = around;
    this.id = 'llm-notebook-panel';
    this.layout = new PanelLayout();
    this.addClass('llm-holder');
    this.title.icon = askIcon;
    this.title.caption = trans.__('Language Models');
    const mark = (): void => this.mark();
    notebooks.forEach(panel => places.of(panel).changed.connect(mark));
    notebooks.widgetAdded.connect((_, panel) =>
      places.of(panel).changed.connect(mark)
    );
  }

  /** Show the panel, and the section with this name. */
  async open(section: string): Promise<void> {
    const panel = await this.load();
    this.around.app.shell.activateById(this.id);
    panel.showSection(section);
  }

  protected override onBeforeShow(message: Message): void {
    super.onBeforeShow(message);
    void this.load();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      void this.load();
    }
  }

  private load(): Promise<SidePanel> {
    this.loading ??= import('./index').then(({ SidePanel }) => {
      const panel = new SidePanel(this.around);
      (this.layout as PanelLayout).addWidget(panel);
      return panel;
    });
    return this.loading;
  }

  /** Put a dot on the icon while something waits. */
  private mark(): void {
    const { notebooks, places, trans } = this.around;
    let waits = 0;
    notebooks.forEach(panel => {
      waits = Math.max(
        waits,
        places.of(panel).bus?.overview.latest?.waits ?? 0
      );
    });
    this.title.className = waits ? 'llm-has-waiting' : '';
    this.title.caption = waits
      ? trans._n(
          'Language Models: %1 call waits',
          'Language Models: %1 calls wait',
          waits
        )
      : trans.__('Language Models');
  }
}
