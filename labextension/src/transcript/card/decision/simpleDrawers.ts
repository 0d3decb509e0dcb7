/** Makes the simple drawers of a card: a text to write, a scope to choose, and a question to drop. */

import type { IRequest, Scope } from '../../protocol/document';
import { attrs, button, el, uniqueId } from '../../dom/elements';
import type { Child } from '../../dom/elements';
import type { IDrawer } from './reply';

/** Make a drawer with a text to write and a button that sends it. An empty text can be sent unless one is `needed`. */
export function textDrawer(
  label: Child[],
  verb: string,
  send: (text: string) => void,
  back: () => void,
  needed: boolean
): IDrawer {
  const id = uniqueId();
  const field = attrs(el('textarea', 'llm-input llm-prose'), {
    id,
    rows: '2'
  });
  const submit = button('llm-button llm-primary', verb, () => {
    if (needed && field.value.trim() === '') {
      field.focus();
      return;
    }
    send(field.value.trim());
  });
  field.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      submit.click();
    }
  });
  const node = el(
    'div',
    'llm-panel',
    el(
      'div',
      'llm-field',
      attrs(el('label', '', ...label), { for: id }),
      field
    ),
    el('div', 'llm-actions', submit, button('llm-button', 'Back', back))
  );
  return { node, consenting: [], initialFocus: field };
}

/** The label of each scope, and how long a grant for it lasts. */
const REACH: Record<Scope, [string, string]> = {
  cell: ['In this cell', 'while its text is the same, also after a restart'],
  notebook: ['In this notebook', 'until you revoke it, also after a restart'],
  session: [
    'In this session',
    'in every notebook of this kernel, until it ends'
  ]
};

/** How long a grant lasts where it is not known which notebook asks. */
const UNTIL_KERNEL_ENDS: Partial<Record<Scope, string>> = {
  cell: 'while its text is the same, until this kernel ends'
};

/** Make a drawer with the scopes in which the tool can always be allowed. */
export function grantDrawer(
  request: IRequest,
  tool: Node[],
  grant: (scope: Scope) => void,
  back: () => void
): IDrawer {
  const title = el(
    'h4',
    'llm-panel-title',
    'Always allow ',
    el('span', 'llm-code', ...tool),
    ', with any arguments'
  );
  title.id = uniqueId();
  const ways = el('div', 'llm-ways');
  const consenting = request.grants.map(scope => {
    const choice = button('llm-button', REACH[scope][0], () => grant(scope));
    const lasts = request.grantsEndWithKernel && UNTIL_KERNEL_ENDS[scope];
    ways.append(choice, el('span', '', lasts || REACH[scope][1]));
    return choice;
  });
  const leave = button('llm-button', 'Back', back);
  const node = attrs(
    el(
      'div',
      'llm-panel',
      title,
      ways,
      el(
        'p',
        'llm-hint',
        'Approves this call too. Ends when the tool’s code changes. %llm grants lists and revokes it.'
      ),
      el('div', 'llm-actions', leave)
    ),
    { role: 'group', 'aria-labelledby': title.id }
  );
  return { node, consenting, initialFocus: consenting[0] ?? leave };
}

/**
 * Make a drawer that asks whether to drop the question. The keyboard focus goes
 * to its title, so that a key that is held down drops nothing.
 */
export function dropDrawer(
  isUnknown: boolean,
  drop: () => void,
  back: () => void
): IDrawer {
  const title = attrs(el('h4', 'llm-panel-title', 'Drop this question?'), {
    id: uniqueId(),
    tabindex: '-1'
  });
  const node = el(
    'div',
    'llm-panel',
    title,
    el(
      'p',
      '',
      isUnknown ? 'The call will not run again' : 'The call will not run',
      ', and the model is not asked. The question leaves ',
      el('code', 'llm-code', '%llm pending'),
      '.'
    ),
    el(
      'div',
      'llm-actions',
      button('llm-button', 'Drop', drop),
      button('llm-button', 'Back', back)
    )
  );
  attrs(node, { role: 'group', 'aria-labelledby': title.id });
  return { node, consenting: [], initialFocus: title };
}
