/**
 * Knows the HTML elements that models write for want of Markdown: `<br>`, `<sub>`
 * and `<sup>`, without attributes. All other HTML stays text.
 */

import type { TokenizerAndRendererExtension, Tokens } from 'marked';

const BREAK = /^<br[ \t]*\/?>/i;
const PAIR = /^<(sub|sup)>([^<>\n]{1,200})<\/\1>/i;

interface IPairToken extends Tokens.Generic {
  tag: string;
}

/** The parser's rules. */
export const htmlRules: TokenizerAndRendererExtension[] = [
  {
    name: 'break',
    level: 'inline',
    tokenizer: source => {
      const raw = BREAK.exec(source)?.[0];
      return raw ? { type: 'break', raw } : undefined;
    },
    renderer: () => '<br>'
  },
  {
    name: 'pair',
    level: 'inline',
    childTokens: ['tokens'],
    tokenizer(source) {
      const found = PAIR.exec(source);
      return found
        ? {
            type: 'pair',
            raw: found[0],
            tag: found[1].toLowerCase(),
            tokens: this.lexer.inlineTokens(found[2])
          }
        : undefined;
    },
    renderer(token) {
      const { tag, tokens } = token as IPairToken;
      return `<${tag}>${this.parser.parseInline(tokens ?? [])}</${tag}>`;
    }
  }
];

/** A block of HTML that is nothing but line breaks, which say nothing between blocks. */
export function isBreaks(text: string): boolean {
  return /^(?:\s*<br[ \t]*\/?>)+\s*$/i.test(text);
}
