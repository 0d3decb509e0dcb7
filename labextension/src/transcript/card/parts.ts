/** Makes the parts of a card that do not change while it is shown. */

import type { IRequest } from '../protocol/document';
import { well } from '../dom/boxes';
import { attrs, button, el } from '../dom/elements';
import { oneLine } from '../dom/formatting';
import { visible, visibleNodes } from '../dom/visible';
import { shortDigest } from './arguments/params';
import type { Reply, Verdict } from './decision/reply';
import { trans, withNodes } from '../dom/translation';

/** What a card says once a decision was sent. */
export function sentWords(verdict: Verdict): string {
  switch (verdict) {
    case 'approved':
      return trans.__('Approved. It runs as soon as the kernel is free.');
    case 'denied':
      return trans.__(
        'Denied. The model is told as soon as the kernel is free.'
      );
    case 'answered':
      return trans.__(
        'Answered. The model is told as soon as the kernel is free.'
      );
    case 'abandoned':
      return trans.__(
        'Given up. The model is told as soon as the kernel is free.'
      );
  }
}

/** What a card says instead while other questions of the turn are open. */
export const sentToSeries = (): string =>
  trans.__(
    'Kept as soon as the kernel is free. The turn goes on after the last decision.'
  );

/** What a card says once this reply was sent. */
export function sentHint(reply: Reply): string {
  return reply.drop
    ? trans.__('Dropped as soon as the kernel is free.')
    : sentWords(reply.verdict);
}

/** What to know once consent can be given; empty if there is nothing. */
export function hintBeforeConsent({ destructive, params }: IRequest): string {
  if (destructive) {
    return trans.__(
      'Always allow is not offered for tools marked destructive.'
    );
  }
  return params.some(param => param.cut)
    ? trans.__('You have seen every argument.')
    : '';
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
      trans.__(
        'This call was interrupted while it was running. It may have taken effect. It was not run again.'
      )
    );
    return [happened, ...quoted(trans.__('The tool says:'), description)];
  }
  if (!description || !reason) {
    return quoted(trans.__('The tool says:'), reason || description);
  }
  return [
    ...quoted(trans.__('The tool says:'), description),
    ...quoted(trans.__('It says of this call:'), reason)
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
    el('span', '', trans.__('asked by %1', visible(model))),
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
  const toggle = button('llm-link', trans.__('Show source'), () => {
    node.hidden = !node.hidden;
    toggle.textContent = node.hidden
      ? trans.__('Show source')
      : trans.__('Hide source');
    toggle.setAttribute('aria-expanded', String(!node.hidden));
  });
  attrs(toggle, { 'aria-expanded': 'false' });
  return { button: toggle, node };
}

/** The quiet button that opens the drawer to drop the question. */
export function dropOpener(open: () => void): HTMLButtonElement {
  const node = button(
    'llm-plain llm-drop',
    trans.__('Drop this question…'),
    open
  );
  return attrs(node, { 'aria-expanded': 'false' });
}

/** The ids by which a call can be found. */
export function idsOf(callId: string, { digest }: IRequest): string {
  const call = visible(oneLine(callId, 24));
  return trans.__('call %1 · digest %2', call, shortDigest(digest));
}

/** The line at the foot: who drew the card, the button that drops the question, and the ids by which the call can be found. */
export function makeFineprint(
  about: string,
  isEditing: boolean,
  dropper: HTMLElement | null
): HTMLElement {
  const swatch = attrs(el('span', 'llm-swatch'), {
    role: 'img',
    'aria-label': trans.__('a grey ground')
  });
  const meaning = isEditing
    ? [trans.__('What this form says is what will run.')]
    : withNodes(trans.__('Text on %1 came from the model.'), swatch);
  return el(
    'div',
    'llm-fineprint',
    el('span', '', trans.__('Drawn by llm_notebook.'), ' ', ...meaning),
    el('span', '', dropper, about && el('span', 'llm-num', about))
  );
}
