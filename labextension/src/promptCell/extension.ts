/**
 * Makes editors show prompts as prompts. A cell that begins with `%%llm` is
 * Markdown below its first line; any other cell stays as it is.
 *
 * A cell becomes a prompt while its writer types. So every editor of a code
 * cell has a compartment, which is empty in a cell of Python. A transaction
 * fills it if it makes the first line begin with `%%llm`, and empties it if the
 * line no longer does, so text and language agree in every state. JupyterLab
 * may set the language at any time by the cell's MIME type. Ours takes
 * precedence and leaves the MIME type alone, so the file and the kernel see an
 * ordinary code cell.
 */

import { type LanguageSupport } from '@codemirror/language';
import {
  Compartment,
  EditorState,
  type Extension,
  Prec,
  StateEffect,
  type Text
} from '@codemirror/state';
import { EditorView, ViewPlugin } from '@codemirror/view';

import { type IPromptWords, promptDecorations } from './decorations';
import { headOf } from './firstLine';
import { promptLanguage } from './markdown';

/** The languages of prompts, from JupyterLab. */
export interface ILanguages {
  markdown: LanguageSupport | null;
  python: LanguageSupport | null;
}

// `%%llm` stands at the beginning, behind empty lines at most.
const HEAD_LENGTH = 1000;

const isPrompt = (text: Text): boolean =>
  headOf(text.sliceString(0, HEAD_LENGTH)) !== null;

const mentionsMagic = (text: Text): boolean => {
  for (const line of text.iterLines()) {
    if (line.includes('%llm')) {
      return true;
    }
  }
  return false;
};

const loaded = StateEffect.define<ILanguages>();

/**
 * Make the extension for the editor of a code cell.
 *
 * @param load loads the languages, when they are first needed.
 * @param words what a prompt says by itself.
 * @param source the text that the editor begins with.
 * @param below what a prompt has besides, such as its badge.
 */
export function promptCell(
  load: () => Promise<ILanguages>,
  words: IPromptWords,
  source: string,
  below: Extension = []
): Extension {
  const mode = new Compartment();
  const marks = new Compartment();
  let languages: ILanguages = { markdown: null, python: null };
  const modeOf = (is: boolean): Extension =>
    is ? [prompt(languages), below] : [];
  const switcher = EditorState.transactionExtender.of(transaction => {
    const arrived = transaction.effects.find(effect => effect.is(loaded));
    if (arrived) {
      languages = arrived.value as ILanguages;
      const decorations = promptDecorations(languages.python, words);
      return {
        effects: [
          mode.reconfigure(modeOf(isPrompt(transaction.newDoc))),
          marks.reconfigure(decorations)
        ]
      };
    }
    const is = transaction.docChanged && isPrompt(transaction.newDoc);
    const was = isPrompt(transaction.startState.doc);
    if (!transaction.docChanged || is === was) {
      return null;
    }
    return { effects: mode.reconfigure(modeOf(is)) };
  });

  const begun = headOf(source.slice(0, HEAD_LENGTH)) !== null;
  return [
    mode.of(modeOf(begun)),
    marks.of(promptDecorations(null, words)),
    switcher,
    languageLoader(load)
  ];
}

/** Loads the languages when the text of an editor first mentions a magic, because most cells never need them. */
function languageLoader(load: () => Promise<ILanguages>): Extension {
  return ViewPlugin.define(view => {
    let isAsked = false;
    let isOpen = true;
    const ask = (state: EditorState): void => {
      if (isAsked || !mentionsMagic(state.doc)) {
        return;
      }
      isAsked = true;
      void load().then(value => {
        if (isOpen) {
          view.dispatch({ effects: loaded.of(value) });
        }
      });
    };
    ask(view.state);
    return {
      update: update => {
        if (update.docChanged) {
          ask(update.state);
        }
      },
      destroy: () => void (isOpen = false)
    };
  });
}

/** What is different in a prompt: its language, lines that wrap, and brackets and quotes that are not closed automatically. */
function prompt({ markdown }: ILanguages): Extension {
  return [
    Prec.highest(markdown ? promptLanguage(markdown) : []),
    Prec.highest(
      EditorState.languageData.of(() => [{ closeBrackets: { brackets: [] } }])
    ),
    EditorView.lineWrapping,
    EditorView.editorAttributes.of({ class: 'llm-prompt-cell' })
  ];
}
