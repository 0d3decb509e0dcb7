/** Makes the parts of a card that do not change while it is shown. */

import type { IRequest } from '../protocol/document';
import { well } from '../dom/boxes';
import { attrs, button, el } from '../dom/elements';
import { visible, visibleNodes } from '../dom/visible';
import type { Reply, Verdict } from './decision/reply';

/** What a card says once a decision was sent. */
export const SENT_HINTS: Record<Verdict, string> = {
  approved: 'Approved. It runs as soon as the kernel is free.',
  denied: 'Denied. The model is told as soon as the kernel is free.',
  answered: 'Answered. The model is told as soon as the kernel is free.',
  abandoned: 'Given up. The model is told as soon as the kernel is free.'
};

/** What a card says instead while other questions of the turn are open. */
export const SENT_TO_SERIES =
  'Kept as soon as the kernel is free. The turn goes on after the last decision.';

/** What a card says once this reply was sent. */
export function sentHint(reply: Reply): string {
  return reply.drop
    ? 'Dropped as soon as the kernel is free.'
    : SENT_HINTS[reply.verdict];
}

/** What to know once consent can be given; empty if there is nothing. */
export function hintBeforeConsent({ destructive, params }: IRequest): string {
  if (destructive) {
    return 'Always allow is not offered for tools marked destructive.';
  }
  return params.some(param => param.cut) ? 'You have seen every argument.' : '';
}

/** What the tool says about itself and about this call, in quotes. If the outcome is unknown, what happened comes first. */
export function makeReasons(
  request: IRequest,
  isUnknown: boolean
): HTMLElement[] {
  const { description = '', reason } = request;
  if (isUnknown) {
    const happened = el(
      'p',
      'llm-ask-why',
      'This call was interrupted while it was running. It may have taken effect. It was not run again.'
    );
    return [happened, ...quoted('The tool says:', description)];
  }
  if (!description || !reason) {
    return quoted('The tool says:', reason || description);
  }
  return [
    ...quoted('The tool says:', description),
    ...quoted('It says of this call:', reason)
  ];
}

function quoted(lead: string, text: string): HTMLElement[] {
  return text
    ? [
        el(
          'p',
          'llm-ask-why',
          el('span', '', lead),
          ' “',
          ...visibleNodes(text),
          '”'
        )
      ]
    : [];
}

/** The line that says where a tool comes from and which model asks, with a button for the source. */
export function makeOrigin(
  request: IRequest,
  model: string,
  source: HTMLElement | undefined
): HTMLElement {
  return el(
    'p',
    'llm-ask-origin',
    ...request.origin.map(fact => el('span', '', visible(fact))),
    el('span', '', `asked by ${visible(model)}`),
    source && el('span', '', source)
  );
}

/** The source of the tool, and the button that shows and hides it. */
export function makeSource(
  request: IRequest
): { button: HTMLElement; node: HTMLElement } | null {
  const { source } = request;
  if (!source) {
    return null;
  }
  const node = el(
    'div',
    '',
    el('div', 'llm-well-label', visible(source.title)),
    well(...visibleNodes(source.code))
  );
  node.lastElementChild!.classList.add('llm-long');
  node.hidden = true;
  const toggle = button('llm-link', 'Show source', () => {
    node.hidden = !node.hidden;
    toggle.textContent = node.hidden ? 'Show source' : 'Hide source';
    toggle.setAttribute('aria-expanded', String(!node.hidden));
  });
  attrs(toggle, { 'aria-expanded': 'false' });
  return { button: toggle, node };
}

/** The quiet button that opens the drawer to drop the question. */
export function dropOpener(open: () => void): HTMLButtonElement {
  const node = button('llm-plain llm-drop', 'Drop this question…', open);
  return attrs(node, { 'aria-expanded': 'false' });
}

/** The line at the foot: who drew the card, the button that drops the question, and the ids by which the call can be found. */
export function makeFineprint(
  about: string,
  isEditing: boolean,
  dropper: HTMLElement | null
): HTMLElement {
  const swatch = attrs(el('span', 'llm-swatch'), {
    role: 'img',
    'aria-label': 'a grey ground'
  });
  const meaning = isEditing
    ? ['What this form says is what will run.']
    : ['Text on ', swatch, ' came from the model.'];
  return el(
    'div',
    'llm-fineprint',
    el('span', '', 'Drawn by llm_notebook. ', ...meaning),
    el('span', '', dropper, about && el('span', 'llm-num', about))
  );
}
