/** A block of code: its language, Copy and Insert below over the code itself. */

import { copyAndSay } from '../dom/copying';
import { attrs, button, el, refill } from '../dom/elements';
import { icon } from '../dom/icons';
import type { IHost } from '../host';
import { highlight } from './highlight';

export interface ICodeBlock {
  readonly node: HTMLElement;
  readonly code: string;
  /** Show other code; in one colour while it is still `growing` and long. */
  update(code: string, growing: boolean): void;
}

/** While a block grows, more than this is not highlighted again and again. */
const LONG = 4000;

/** A block that can grow. */
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
