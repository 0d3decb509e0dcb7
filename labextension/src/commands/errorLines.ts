/**
 * Shows an error as JupyterLab does, with one line below it: *Explain*, *Fix…*,
 * and what a click would send.
 *
 * JupyterLab renders an error as the text of its traceback. The output also
 * holds the error itself, under a MIME type that nothing else renders. Our
 * renderer for that type ranks above the one for text.
 */

import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';

import { icon, type Icon } from '../transcript/dom/icons';
import { ERROR_MIME_TYPE, isExplainable } from './outputs';

const TRACEBACK = 'application/vnd.jupyter.stderr';
/** Ranks above the traceback as text, which has 110. */
const RANK = 50;

/** What the line below an error needs from its notebook. */
export interface IExplainer {
  /** Each is emitted when `canExplain` may have changed. */
  readonly changes: ISignal<unknown, unknown>[];
  /** Whether a kernel could tell a model about the error that a widget shows. */
  canExplain(shown: Widget): boolean;
  /** Ask a model about it. Resolves when it has answered. */
  explain(shown: Widget, asksForFix: boolean): Promise<void>;
}

/** Add the line to the errors of one notebook, which has a registry of its own. */
export function addErrorLines(
  rendermime: IRenderMimeRegistry,
  explainer: IExplainer,
  trans: TranslationBundle
): void {
  const createRenderer = (): IRenderMime.IRenderer =>
    new FailedOutput(rendermime.createRenderer(TRACEBACK), explainer, trans);
  rendermime.addFactory(
    { safe: true, mimeTypes: [ERROR_MIME_TYPE], createRenderer },
    RANK
  );
}

class FailedOutput extends Panel implements IRenderMime.IRenderer {
  private readonly line = document.createElement('div');
  private isSuitable = false;
  private isAsking = false;

  constructor(
    private readonly traceback: IRenderMime.IRenderer,
    private readonly explainer: IExplainer,
    trans: TranslationBundle
  ) {
    super();
    this.line.className = 'llm-failed';
    this.line.setAttribute('role', 'group');
    this.line.setAttribute('aria-label', trans.__('About this error'));
    const said = document.createElement('span');
    said.textContent = trans.__(
      'sends this cell, the error and the values that it names'
    );
    this.line.append(
      this.button('question', trans.__('Explain'), false),
      this.button('pencil', trans.__('Fix…'), true),
      said
    );
    this.addWidget(traceback);
    this.addWidget(new Widget({ node: this.line }));
    explainer.changes.forEach(one => one.connect(this.refresh, this));
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    await this.traceback.renderModel(model);
    this.isSuitable = isExplainable(model.data[ERROR_MIME_TYPE]);
    this.refresh();
  }

  protected onAfterAttach(): void {
    this.refresh();
  }

  private refresh(): void {
    this.line.hidden = !this.isSuitable || !this.explainer.canExplain(this);
  }

  private button(
    glyph: Icon,
    label: string,
    asksForFix: boolean
  ): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(icon(glyph), label);
    button.addEventListener('click', () => void this.ask(asksForFix));
    return button;
  }

  /** Ask a model, unless one is answering already: a second click would only ask the same again. */
  private async ask(asksForFix: boolean): Promise<void> {
    if (this.isAsking) {
      return;
    }
    this.isAsking = true;
    this.line.setAttribute('aria-busy', 'true');
    try {
      await this.explainer.explain(this, asksForFix);
    } finally {
      this.isAsking = false;
      this.line.removeAttribute('aria-busy');
    }
  }
}
