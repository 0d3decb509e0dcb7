/** The quiet line below a prompt, with the model that answers it. */

import type { Extension } from '@codemirror/state';
import { type EditorView, showPanel, type ViewUpdate } from '@codemirror/view';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';

import { shownModel } from '../lab/notebook/chosenModel';
import { attrs, button, el, refill } from '../transcript/dom/elements';
import { icon } from '../transcript/dom/icons';
import { headOf, readFirstLine } from './firstLine';

/** What a badge is told of the notebook around its cell. */
export interface IAround {
  /** Emitted when something of this may have changed. */
  changed: ISignal<unknown, unknown>;
  /** The model that answers where a prompt names none; empty if it is not known. */
  model(): string;
  /** Whether a model runs on this computer. */
  isLocal(model: string): boolean;
  /** Whether there are to be badges. */
  isWanted(): boolean;
  /** Open a list of models at a place. `choose` is given one, or an empty text for the notebook's. */
  choose(at: DOMRect, now: string, choose: (model: string) => void): void;
}

/** Where the model of a prompt is named. */
interface INamed {
  model: string;
  /** The option with its value. */
  from: number;
  to: number;
}

/** The model that a prompt names; null if it names none. */
export function namedModel(source: string): INamed | null {
  const head = headOf(source);
  if (!head) {
    return null;
  }
  const { tokens } = readFirstLine(source.slice(head.from, head.to), head.from);
  for (const [at, { from, to, kind }] of tokens.entries()) {
    const option = source.slice(from, to);
    const value = tokens[at + 1];
    if (kind === 'option' && /^(?:-m|--model)$/.test(option) && value) {
      const text = source.slice(value.from, value.to);
      const model = value.kind === 'string' ? text.replace(/^"|"$/g, '') : text;
      return { model, from, to: value.to };
    }
  }
  return null;
}

/** Whether a prompt continues a conversation, so that the model of that answers if none is named. */
export function continues(source: string): boolean {
  const head = headOf(source);
  const line = head ? source.slice(head.from, head.to) : '';
  return readFirstLine(line).tokens.some(
    ({ from, to, kind }) =>
      kind === 'option' &&
      /^(?:-c\w?|--cid|--continue)$/.test(line.slice(from, to))
  );
}

/** How many tools the first line of a prompt offers. */
export function countTools(source: string): number {
  const head = headOf(source);
  const line = head ? source.slice(head.from, head.to) : '';
  return readFirstLine(line).tokens.filter(
    ({ from, to, kind }) =>
      kind === 'option' && /^(?:-T|--tool)$/.test(line.slice(from, to))
  ).length;
}

/** The change of a prompt's text that names a model, or with an empty text names none. */
export function naming(
  source: string,
  model: string
): { from: number; to: number; insert: string } | null {
  const head = headOf(source);
  const named = namedModel(source);
  if (!head || (!named && !model)) {
    return null;
  }
  const written = /\s/.test(model) ? `"${model}"` : model;
  const after = head.from + '%%llm'.length;
  if (!named) {
    return { from: after, to: after, insert: ` -m ${written}` };
  }
  const { from, to } = named;
  return model
    ? { from, to, insert: `-m ${written}` }
    : { from: from - 1, to, insert: '' };
}

/** Show the badge below an editor. */
export function badge(around: IAround, trans: TranslationBundle): Extension {
  return showPanel.of(view => {
    const dom = el('div', 'llm-badge');
    // Enter on the button is not for the notebook, which would begin to edit the cell.
    dom.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === ' ') {
        event.stopPropagation();
      }
    });
    let drawn = '';
    const draw = (): void => {
      const source = view.state.doc.toString();
      const named = namedModel(source)?.model ?? '';
      const model =
        named ||
        (continues(source)
          ? trans.__('the conversation’s model')
          : around.model());
      const isLocal = around.isLocal(model);
      const tools = countTools(source);
      const isEmpty = source.trim() !== '' && !source.trim().includes('\n');
      const key = JSON.stringify([
        [model, isLocal, tools],
        [isEmpty, around.isWanted()]
      ]);
      if (key !== drawn) {
        drawn = key;
        dom.hidden = !around.isWanted() || !model;
        refill(
          dom,
          chooserOf(view, model, named, around, trans),
          isLocal && el('span', '', trans.__('this computer')),
          tools > 0 && el('span', '', trans._n('%1 tool', '%1 tools', tools)),
          isEmpty && el('span', 'llm-push', trans.__('Shift+Enter asks'))
        );
      }
    };
    draw();
    return {
      dom,
      mount: () => void around.changed.connect(draw),
      destroy: () => void around.changed.disconnect(draw),
      update: (update: ViewUpdate) => update.docChanged && draw()
    };
  });
}

/** The button with the model, which opens a list of others. */
function chooserOf(
  view: EditorView,
  model: string,
  named: string,
  around: IAround,
  trans: TranslationBundle
): HTMLElement {
  const shown = shownModel(model);
  const node = attrs(
    button('', icon('bubble'), () =>
      around.choose(node.getBoundingClientRect(), named, to => change(view, to))
    ),
    {
      'aria-haspopup': 'menu',
      'aria-label': trans.__('Model: %1. Change', shown)
    }
  );
  node.append(shown, icon('chevron', 'llm-down'));
  return node;
}

function change(view: EditorView, model: string): void {
  const changes = naming(view.state.doc.toString(), model);
  if (changes) {
    view.dispatch({ changes });
  }
  view.focus();
}
