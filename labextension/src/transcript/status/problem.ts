/** Draws why a cell has failed: what happened, on which side, and what the reader can do, as buttons where the kernel listens. */

import type { Action, IProblem, IWay } from '../protocol/document';
import { row } from '../dom/boxes';
import { copyText, COPIED_FOR } from '../dom/copying';
import { attrs, button, el, refill, withCode } from '../dom/elements';
import { icon, type Icon } from '../dom/icons';
import type { IHost } from '../drawing/host';
import { trans } from '../dom/translation';

const GLYPHS: Record<IProblem['kind'], Icon> = {
  key: 'key',
  model: 'search',
  network: 'plug',
  limit: 'clock',
  error: 'cross'
};

/** What the reader can do from the row of a problem. */
export interface IProblemActs {
  host: IHost;
  /** Carry out an action on this transcript. */
  act: (action: Action) => void;
  /** Whether an action is under way, so that its buttons are held. */
  isHeld: boolean;
  transcript: string;
  /** The buttons that ask the same again; null where they are not offered. */
  buttons: HTMLElement | null;
}

/** The row of a problem. */
export function problemRow(problem: IProblem, acts: IProblemActs): HTMLElement {
  const ways = (problem.ways ?? []).map(way => wayNode(way, acts));
  const node = row(
    GLYPHS[problem.kind],
    'error',
    el('p', 'llm-notice-title', ...withCode(problem.title)),
    problem.text !== '' &&
      el('p', 'llm-notice-text', ...withCode(problem.text)),
    ways.length > 0 && el('div', 'llm-choices', ...ways),
    acts.buttons
  );
  node.classList.add('llm-error-row');
  return attrs(node, { role: 'alert' });
}

function wayNode(way: IWay, acts: IProblemActs): HTMLElement {
  const { host } = acts;
  if (way.key && host.key) {
    return keyNode(way, way.key, acts);
  }
  const transcript = acts.transcript;
  if (host.act && way.model) {
    const { model } = way;
    return actNode(way, 'play', acts, { type: 'ask', transcript, model });
  }
  if (host.act && way.installs) {
    return actNode(way, 'chip', acts, { type: 'install', transcript });
  }
  return typedNode(way, host);
}

/** A button that acts at once. */
function actNode(
  way: IWay,
  glyph: Icon,
  acts: IProblemActs,
  action: Action
): HTMLElement {
  const node = button('llm-choice', icon(glyph), () => {
    if (!acts.isHeld) {
      acts.act(action);
    }
  });
  node.append(labelOf(way), el('span'));
  return attrs(node, { 'aria-disabled': acts.isHeld ? 'true' : null });
}

const labelOf = (way: IWay): HTMLElement =>
  el(
    'span',
    '',
    el('b', '', way.label || way.code),
    ' ',
    el('span', '', way.text)
  );

/** A button that opens the field for a key. What the reader types goes only to the kernel, and never comes back. */
function keyNode(way: IWay, name: string, acts: IProblemActs): HTMLElement {
  const field = attrs(el('input', 'llm-input'), {
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-label': trans.__('Key, stored as %1', name)
  }) as HTMLInputElement;
  const said = el('p', 'llm-hint');
  const store = (): void => {
    const key = field.value.trim();
    if (key === '') {
      said.textContent = trans.__('Paste the key first.');
      field.focus();
      return;
    }
    field.value = '';
    said.textContent = trans.__('The kernel stores it as soon as it is free.');
    acts.host.key?.(acts.transcript, name, key).catch((error: unknown) => {
      said.textContent = String((error as Error)?.message ?? error);
    });
  };
  const save = button('llm-button', trans.__('Store the key'), store);
  const form = el('div', 'llm-key-form', field, save, said);
  form.hidden = true;
  const open = button('llm-choice', icon('key'), () => {
    form.hidden = !form.hidden;
    attrs(open, { 'aria-expanded': String(!form.hidden) });
    if (!form.hidden) {
      field.focus();
    }
  });
  open.append(labelOf(way), icon('chevron', 'llm-turner'));
  attrs(open, { 'aria-expanded': 'false' });
  form.addEventListener('keydown', event => {
    // JupyterLab has shortcuts of its own for most keys.
    event.stopPropagation();
    if (event.key === 'Enter' && event.target === field) {
      event.preventDefault();
      store();
    } else if (event.key === 'Escape') {
      field.value = '';
      open.click();
      open.focus();
    }
  });
  return el('div', '', open, form);
}

/** A line that the reader can type, copied with a click. */
function typedNode(way: IWay, host: IHost): HTMLElement {
  const mark = el('span', '', icon('copy'));
  const node = button('llm-choice', icon('terminal'), () => {
    copyText(way.code, host);
    refill(mark, trans.__('Copied'));
    setTimeout(() => refill(mark, icon('copy')), COPIED_FOR);
  });
  node.append(
    el(
      'span',
      '',
      el('b', '', el('code', '', way.code)),
      ' ',
      el('span', '', way.text)
    ),
    mark
  );
  return attrs(node, {
    'aria-label': trans.__('Copy %1: %2', way.code, way.text)
  });
}
