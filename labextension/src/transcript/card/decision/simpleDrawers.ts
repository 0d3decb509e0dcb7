/** Makes the simple drawers of a card: a text to write, a scope to choose, and a question to drop. */

import type { IRequest, Scope } from '../../protocol/document';
import { attrs, button, el, uniqueId } from '../../dom/elements';
import type { Child } from '../../dom/elements';
import type { IDrawer } from './reply';
import { trans, withNodes } from '../../dom/translation';

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
    el(
      'div',
      'llm-actions',
      submit,
      button('llm-button', trans.__('Back'), back)
    )
  );
  return { node, consenting: [], initialFocus: field };
}

/**
 * The label of a scope, and how long a grant for it lasts.
 *
 * @param endsWithKernel whether it is not known which notebook asks.
 */
function reachOf(scope: Scope, endsWithKernel: boolean): [string, string] {
  const cellLasts = endsWithKernel
    ? trans.__('while its text is the same, until this kernel ends')
    : trans.__('while its text is the same, also after a restart');
  const reach: Record<Scope, [string, string]> = {
    cell: [trans.__('In this cell'), cellLasts],
    notebook: [
      trans.__('In this notebook'),
      trans.__('until you revoke it, also after a restart')
    ],
    session: [
      trans.__('In this session'),
      trans.__('in every notebook of this kernel, until it ends')
    ]
  };
  return reach[scope];
}

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
    ...withNodes(
      trans.__('Always allow %1, with any arguments'),
      el('span', 'llm-code', ...tool)
    )
  );
  title.id = uniqueId();
  const ways = el('div', 'llm-ways');
  const consenting = request.grants.map(scope => {
    const [label, lasts] = reachOf(scope, Boolean(request.grantsEndWithKernel));
    const choice = button('llm-button', label, () => grant(scope));
    ways.append(choice, el('span', '', lasts));
    return choice;
  });
  const leave = button('llm-button', trans.__('Back'), back);
  const node = attrs(
    el(
      'div',
      'llm-panel',
      title,
      ways,
      el(
        'p',
        'llm-hint',
        trans.__(
          'Approves this call too. Ends when the tool’s code changes. %1 lists and revokes it.',
          '%llm grants'
        )
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
  const title = attrs(
    el('h4', 'llm-panel-title', trans.__('Drop this question?')),
    {
      id: uniqueId(),
      tabindex: '-1'
    }
  );
  const node = el(
    'div',
    'llm-panel',
    title,
    el(
      'p',
      '',
      ...withNodes(
        isUnknown
          ? trans.__(
              'The call will not run again, and the model is not asked. The question leaves %1.'
            )
          : trans.__(
              'The call will not run, and the model is not asked. The question leaves %1.'
            ),
        el('code', 'llm-code', '%llm pending')
      )
    ),
    el(
      'div',
      'llm-actions',
      button('llm-button', trans.__('Drop'), drop),
      button('llm-button', trans.__('Back'), back)
    )
  );
  attrs(node, { role: 'group', 'aria-labelledby': title.id });
  return { node, consenting: [], initialFocus: title };
}
