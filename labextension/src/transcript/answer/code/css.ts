/** CSS, as far as the style sheet has colours for it. The library's own grammar lists every property, and nothing here colours those. Words are bounded, so that no text takes long. */

import type { HLJSApi, Language, Mode } from 'highlight.js';

export default function css(hljs: HLJSApi): Language {
  const number: Mode = {
    scope: 'number',
    begin:
      /#[0-9a-f]{3,8}\b|[-+]?(?:\d{1,20}(?:\.\d{1,20})?|\.\d{1,20})(?:%|[a-z]{1,10})?/
  };
  const plain = [
    hljs.C_BLOCK_COMMENT_MODE,
    hljs.APOS_STRING_MODE,
    hljs.QUOTE_STRING_MODE
  ];
  const important: Mode = { scope: 'keyword', begin: /!important\b/ };
  // A name is matched whole, so that no digit in it is taken for a number.
  const name: Mode = { begin: /[.#:]{0,2}-{0,2}[a-z_][\w-]{0,99}/ };
  return {
    name: 'CSS',
    case_insensitive: true,
    contains: [
      ...plain,
      {
        begin: /(?=@)/,
        end: /(?=[;{])/,
        contains: [
          { scope: 'keyword', begin: /@[a-z-]{1,99}/ },
          ...plain,
          number
        ]
      },
      {
        begin: /\{/,
        end: /\}/,
        contains: ['self', ...plain, important, number, name]
      },
      { begin: /[.#:]{1,2}[\w-]{1,99}/ },
      { scope: 'selector-tag', begin: /[a-z][\w-]{0,99}/ }
    ]
  };
}
