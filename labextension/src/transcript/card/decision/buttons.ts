/** Makes the buttons of a card: those that decide, and those that open a drawer. */

import type { IRequest } from '../../protocol/document';
import { attrs, button, el } from '../../dom/elements';
import { icon } from '../../dom/icons';
import type { DrawerName, Verdict } from './reply';
import { trans } from '../../dom/translation';

/** The row of buttons of a card. */
export interface IButtons {
  readonly node: HTMLElement;
  /** The buttons that give consent, held until the card is armed. */
  readonly consenting: HTMLButtonElement[];
  /** Those of them that run the call, held also where it cannot run. */
  readonly approving: HTMLButtonElement[];
  /** The buttons that open a drawer. */
  readonly openers: ReadonlyMap<DrawerName, HTMLButtonElement>;
}

/** What the buttons call. */
export interface IHandlers {
  decide: (verdict: Verdict) => void;
  open: (drawer: DrawerName) => void;
}

/** The buttons for a call that waits for approval. */
export function waitingButtons(
  request: IRequest,
  handlers: IHandlers
): IButtons {
  const approve = button(
    'llm-button llm-primary' + (request.destructive ? ' llm-danger' : ''),
    trans.__('Approve'),
    () => handlers.decide('approved')
  );
  const edit = request.params.length
    ? makeOpener('edit', trans.__('Edit…'), handlers)
    : null;
  const deny = makeOpener('deny', trans.__('Deny…'), handlers);
  const answer = makeOpener('answer', trans.__('Answer myself…'), handlers);
  const grant =
    request.grants.length && !request.destructive
      ? makeOpener('grant', `${trans.__('Always allow')} `, handlers)
      : null;
  grant?.classList.add('llm-far');
  grant?.append(icon('chevron', 'llm-turner llm-down'));
  const node = el('div', 'llm-actions', approve, edit, deny, answer, grant);
  return {
    node: attrs(node, { role: 'group', 'aria-label': trans.__('Decision') }),
    consenting: [approve],
    approving: [approve],
    openers: openersByName({ edit, deny, answer, grant })
  };
}

/** The buttons for a call that was interrupted while it was running. */
export function unknownButtons(handlers: IHandlers): IButtons {
  const ran = makeOpener('answer', trans.__('It ran…'), handlers);
  const again = button('llm-button', trans.__('It did not run'), () =>
    handlers.decide('approved')
  );
  const leave = button('llm-button', trans.__('I cannot tell'), () =>
    handlers.decide('abandoned')
  );
  const node = el(
    'div',
    'llm-ways llm-ask-ways',
    ran,
    el('span', '', trans.__('Tell the model what came of it.')),
    again,
    el('span', '', trans.__('Run it now, once, with these arguments.')),
    leave,
    el(
      'span',
      '',
      trans.__('Tell the model that the outcome is unknown and go on.')
    )
  );
  return {
    node: attrs(node, { role: 'group', 'aria-label': trans.__('Did it run?') }),
    consenting: [again, leave],
    approving: [again],
    openers: openersByName({ answer: ran })
  };
}

function makeOpener(
  name: DrawerName,
  label: string,
  handlers: IHandlers
): HTMLButtonElement {
  const node = button('llm-button', label, () => handlers.open(name));
  return attrs(node, { 'aria-expanded': 'false' });
}

/** Leave out the openers that a card does not have. */
function openersByName(
  openers: Partial<Record<DrawerName, HTMLButtonElement | null>>
): ReadonlyMap<DrawerName, HTMLButtonElement> {
  const found = new Map<DrawerName, HTMLButtonElement>();
  for (const [name, node] of Object.entries(openers)) {
    if (node) {
      found.set(name as DrawerName, node);
    }
  }
  return found;
}
