/** The parts of an approval card that do not change while it is shown. */

import type { IRequest } from '../document';
import { well } from '../dom/boxes';
import { attrs, button, el } from '../dom/elements';
import type { Icon } from '../dom/icons';
import { visible, visibleNodes } from '../dom/visible';
import type { Verdict } from './reply';

/** What a card says after its first activation. */
export const SENT: Record<Verdict, string> = {
  approved: 'Approved. It runs as soon as the kernel is free.',
  denied: 'Denied. The model is told as soon as the kernel is free.',
  answered: 'Answered. The model is told as soon as the kernel is free.',
  abandoned: 'Given up. The model is told as soon as the kernel is free.'
};

/** What is asked, in one glyph and a few words. */
export function band(
  request: IRequest,
  unknown: boolean,
  editing: boolean
): { glyph: Icon; title: string } {
  if (unknown) {
    return { glyph: 'question', title: 'Outcome unknown: did this run?' };
  }
  if (editing) {
    return { glyph: 'pencil', title: 'Edit before it runs' };
  }
  return request.destructive
    ? { glyph: 'warning', title: 'Destructive: check before you approve' }
    : { glyph: 'pause', title: 'Waiting for your approval' };
}

/** The tool's own sentence, in quotes; of an unknown outcome, what happened. */
export function why(request: IRequest, unknown: boolean): HTMLElement | null {
  if (unknown) {
    return el(
      'p',
      'llm-ask-why',
      'The kernel died while this call was running. It may have taken effect. It was not run again.'
    );
  }
  const { reason } = request;
  return reason
    ? el(
        'p',
        'llm-ask-why',
        el('span', '', 'The tool says:'),
        ' “',
        ...visibleNodes(reason),
        '”'
      )
    : null;
}

/** The code of the tool, behind a button. */
export function sourceOf(
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

/** Who drew the card, and which call it is. */
export function fineprint(call: string, editing: boolean): HTMLElement {
  const swatch = attrs(el('span', 'llm-swatch'), {
    role: 'img',
    'aria-label': 'a grey ground'
  });
  const meaning = editing
    ? ['What this form says is what will run.']
    : ['Text on ', swatch, ' came from the model.'];
  return el(
    'footer',
    'llm-fineprint',
    el('span', '', 'Drawn by llm_notebook. ', ...meaning),
    el('span', 'llm-num', `call ${call}`)
  );
}
