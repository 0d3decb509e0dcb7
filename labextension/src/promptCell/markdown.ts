/** Makes the language of a prompt cell: JupyterLab's Markdown, which does not read the line of the options. */

import { Language, type LanguageSupport } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import type { Parser } from '@lezer/common';
import type { MarkdownConfig } from '@lezer/markdown';

import { headOf, isContinued } from './firstLine';

/** Without this, `---` below the options would make a heading of them, and a `*` in them could begin emphasis. */
const OPTION_LINE: MarkdownConfig = {
  defineNodes: [{ name: 'OptionLine', block: true }],
  parseBlock: [
    {
      name: 'OptionLine',
      before: 'IndentedCode',
      parse(context, line) {
        const from = context.lineStart;
        if (headOf(line.text) === null) {
          return false;
        }
        let end = from + line.text.length;
        while (isContinued(line.text) && context.nextLine()) {
          end = context.lineStart + line.text.length;
        }
        context.nextLine();
        context.addElement(context.elt('OptionLine', from, end));
        return true;
      }
    }
  ]
};

interface IConfigurable extends Parser {
  configure(extension: MarkdownConfig): Parser;
}

const isConfigurable = (parser: Parser): parser is IConfigurable =>
  'configure' in parser;

/**
 * Make the language.
 *
 * @param markdown the language of JupyterLab's Markdown cells.
 */
export function promptLanguage(markdown: LanguageSupport): Extension {
  const { data, name, parser } = markdown.language;
  if (!isConfigurable(parser)) {
    return markdown;
  }
  const language = new Language(data, parser.configure(OPTION_LINE), [], name);
  return [language, markdown.support];
}
