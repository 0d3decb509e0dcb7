/** Draws a block of code below a bar with its language, Copy and Insert below. */

import { copyAndSay } from '../dom/copying';
import { attrs, button, el, refill } from '../dom/elements';
import { icon } from '../dom/icons';
import type { IHost } from '../host';
import { highlight } from './highlight';

export interface ICodeBlock {
  readonly node: HTMLElement;
  readonly code: string;
  /** Show other code. While it is `growing` and long, what is added has no colours. */
  update(code: string, growing: boolean): void;
}

/** Code longer than this is not highlighted again with each delta, but only when it is complete. */
const LONG = 4000;

/** Make a block of code. */
export function codeBlock(
  source: string,
  language: string,
  host: () => IHost
): ICodeBlock {
  let code = source;
  const text = el('code');
  const copy = button('llm-plain', null, () => copyAndSay(code, host(), copy));
  copy.append(icon('copy'), 'Copy');
  const bar = el(
    'div',
    'llm-block-bar',
    el('span', '', language || 'text'),
    copy
  );
  if (host().insertBelow) {
    const insert = button('llm-plain', icon('insert'), () =>
      host().insertBelow?.(code)
    );
    insert.append('Insert below');
    bar.append(insert);
  }
  const node = attrs(
    el('div', 'llm-block', bar, attrs(el('pre', '', text), { tabindex: '0' })),
    { role: 'group', 'aria-label': `${language || 'Text'} code` }
  );
  refill(text, ...highlight(code, language));
  return {
    node,
    get code() {
      return code;
    },
    update: (next, growing) => {
      if (growing && next.length > LONG && next.startsWith(code)) {
        text.append(next.slice(code.length));
      } else if (next !== code || !growing) {
        refill(text, ...highlight(next, language));
      }
      code = next;
    }
  };
}
