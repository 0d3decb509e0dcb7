/**
 * Shows the lines that define links, `[1]: https://…`. Markdown hides them, but many
 * models write their sources in this form, and refer to none of them.
 */

import { Tokenizer } from 'marked';
import type { TokenizerAndRendererExtension, Tokens } from 'marked';

/** The definition of a link. */
export interface IDefinition extends Tokens.Generic {
  type: 'definition';
  tag: string;
  href: string;
  title: string;
}

/** The rule that reads definitions; `escaped` makes a text HTML. */
export function definitionRule(
  escaped: (text: string) => string
): TokenizerAndRendererExtension {
  return {
    name: 'definition',
    level: 'block',
    tokenizer(source) {
      // A note's text, as in `[^1]: Appendix`, is no address.
      if (!/^ {0,3}\[(?!\^)/.test(source)) {
        return undefined;
      }
      const { lexer } = this;
      const reader = new Tokenizer(lexer.options);
      reader.rules = lexer.options.tokenizer!.rules;
      const found = reader.def(source);
      if (!found) {
        return undefined;
      }
      const { tag, raw, href, title } = found;
      lexer.tokens.links[tag] ??= { href, title };
      return { type: 'definition', raw, tag, href, title };
    },
    renderer(token) {
      const { raw, href } = token as IDefinition;
      const line = raw.trim();
      const label = line.slice(0, line.indexOf(']:') + 2);
      const title = line.slice(line.indexOf(href, label.length) + href.length);
      const link = `<a href="${escaped(href)}">${escaped(href)}</a>`;
      return `<p>${escaped(label)} ${link} ${escaped(title.replace(/^>/, '').trim())}</p>`;
    }
  };
}
