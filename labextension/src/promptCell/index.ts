/** Gives JupyterLab's editors the extension that shows prompt cells as prompts. */

import type { CodeEditor } from '@jupyterlab/codeeditor';
import {
  EditorExtensionRegistry,
  type IEditorExtensionFactory,
  type IEditorLanguageRegistry
} from '@jupyterlab/codemirror';
import type { TranslationBundle } from '@jupyterlab/translation';

import { badge, type IAround } from './badge';
import type { IPromptWords } from './decorations';
import { type ILanguages, promptCell } from './extension';

/**
 * Make the factory of the editor extension, for JupyterLab's registry.
 *
 * @param registry the languages that JupyterLab has.
 * @param aroundOf what is around a cell; null where no notebook is.
 */
export function promptCellFactory(
  registry: IEditorLanguageRegistry,
  trans: TranslationBundle,
  aroundOf: (cell: CodeEditor.IModel) => IAround | null = () => null
): IEditorExtensionFactory {
  const words: IPromptWords = {
    invitation: trans.__('Ask. {{ name }} puts in a value of this notebook.'),
    noOption: (option, meant) =>
      meant
        ? trans.__('No option %1. Did you mean %2?', option, meant)
        : trans.__('No option %1.', option)
  };
  const load = async (): Promise<ILanguages> => {
    const [markdown, python] = await Promise.all(
      ['text/x-ipythongfm', 'text/x-python'].map(mime => {
        const language = registry.findByMIME(mime);
        return language && registry.getLanguage(language);
      })
    );
    return {
      markdown: markdown?.support ?? null,
      python: python?.support ?? null
    };
  };
  return {
    name: 'llm-notebook:prompt-cell',
    factory: ({ model }) => {
      if (!isCodeCell(model)) {
        return null;
      }
      const around = aroundOf(model);
      return EditorExtensionRegistry.createImmutableExtension(
        promptCell(
          load,
          words,
          model.sharedModel.getSource(),
          around ? badge(around, trans) : []
        )
      );
    }
  };
}

/** Whether a model is that of a code cell. Editors of files and settings have other models. */
function isCodeCell(model: CodeEditor.IModel): boolean {
  return 'type' in model && model.type === 'code';
}
