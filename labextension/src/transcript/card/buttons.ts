/** The row of buttons on a card: those that act, and those that open a drawer. */

import type { IRequest } from '../document';
import { attrs, button, el } from '../dom/elements';
import { icon } from '../dom/icons';
import type { DrawerName, Verdict } from './reply';

export interface IButtons {
  readonly node: HTMLElement;
  /** Buttons that give consent: not to be used before the card is armed. */
  readonly consenting: HTMLButtonElement[];
  readonly openers: ReadonlyMap<DrawerName, HTMLButtonElement>;
}

/** What buttons do. */
export interface IDoing {
  decide: (verdict: Verdict) => void;
  open: (drawer: DrawerName) => void;
}

/** The buttons of a call that waits. */
export function waitingButtons(request: IRequest, doing: IDoing): IButtons {
  const approve = button(
    'llm-button llm-primary' + (request.destructive ? ' llm-danger' : ''),
    'Approve',
    () => doing.decide('approved')
  );
  const edit = request.params.length ? opener('edit', 'Edit…', doing) : null;
  const deny = opener('deny', 'Deny…', doing);
  const answer = opener('answer', 'Answer myself…', doing);
  const grant =
    request.grants.length && !request.destructive
      ? opener('grant', 'Always allow ', doing)
      : null;
  grant?.classList.add('llm-far');
  grant?.append(icon('chevron', 'llm-turner llm-down'));
  const node = el('div', 'llm-actions', approve, edit, deny, answer, grant);
  return {
    node: attrs(node, { role: 'group', 'aria-label': 'Decision' }),
    consenting: [approve],
    openers: named({ edit, deny, answer, grant })
  };
}

/** The buttons of a call that was running when its kernel died. */
export function unknownButtons(doing: IDoing): IButtons {
  const ran = opener('answer', 'It ran…', doing);
  const again = button('llm-button', 'It did not run', () =>
    doing.decide('approved')
  );
  const leave = button('llm-button', 'I cannot tell', () =>
    doing.decide('abandoned')
  );
  const node = el(
    'div',
    'llm-ways llm-ask-ways',
    ran,
    el('span', '', 'Tell the model what came of it.'),
    again,
    el('span', '', 'Run it now, once, with these arguments.'),
    leave,
    el('span', '', 'Tell the model that the outcome is unknown and go on.')
  );
  return {
    node: attrs(node, { role: 'group', 'aria-label': 'Did it run?' }),
    consenting: [again, leave],
    openers: named({ answer: ran })
  };
}

function opener(
  name: DrawerName,
  label: string,
  doing: IDoing
): HTMLButtonElement {
  const node = button('llm-button', label, () => doing.open(name));
  return attrs(node, { 'aria-expanded': 'false' });
}

function named(
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
