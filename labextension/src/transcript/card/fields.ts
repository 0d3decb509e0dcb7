/** A field of a form for one argument, made from its JSON Schema. */

import type { IParam } from '../document';
import { attrs, el, setText, uniqueId } from '../dom/elements';
import { icon } from '../dom/icons';
import { hiddenWords, visible, visibleNodes } from '../dom/visible';
import { problemOf } from './misfit';
import { isNullNow, kindOf, takesNull, typeWords, valuesOf } from './schema';

export interface IField {
  readonly node: HTMLElement;
  readonly input: HTMLElement;
  /** The JSON text of what is written, `null` where the argument is left out. */
  value(): string | null;
  /** Why it does not fit; empty where it does. */
  problem(): string;
  /** Show whether it was changed, and its problem. */
  mark(changed: boolean): void;
}

interface IControl {
  node: HTMLElement;
  input: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
  value: () => string | null;
}

/** The field for an argument whose whole text is `text`. `onInput` is told of every change. */
export function field(
  param: IParam,
  text: string,
  onInput: () => void
): IField {
  const control = makeControl(param, text);
  const id = uniqueId();
  control.input.id = id;
  const help = el('p', 'llm-help');
  help.id = id + '-help';
  const changed = el('span', 'llm-changed');
  control.node.addEventListener('input', onInput);
  const problem = (): string => {
    const value = control.value();
    if (value === null) {
      return param.required === false ? '' : 'Needed.';
    }
    return problemOf(value, param);
  };
  const mark = (isChanged: boolean): void => {
    setText(changed, isChanged ? 'changed' : '');
    const wrong = isChanged ? problem() : '';
    // A field draws what is in it as any text: only words can say what cannot be seen.
    const said = wrong || hiddenWords(control.input.value);
    setText(help, said);
    help.hidden = !said;
    help.className = `llm-help llm-is-${wrong ? 'error' : 'warn'}`;
    attrs(control.input, {
      'aria-invalid': wrong ? 'true' : null,
      'aria-describedby': said ? help.id : null
    });
  };
  mark(false);
  return {
    node: labelled(param, control, id, changed, help),
    input: control.input,
    value: control.value,
    problem,
    mark
  };
}

function labelled(
  param: IParam,
  control: IControl,
  id: string,
  changed: Node,
  help: Node
): HTMLElement {
  const name = el('code', '', ...visibleNodes(param.name));
  const words = visible(typeWords(param));
  if (kindOf(param) === 'boolean') {
    const label = attrs(
      el('label', '', name, ' ', el('span', 'llm-type', words)),
      { for: id }
    );
    const line = el('div', 'llm-check', control.node, label, changed);
    return el('div', 'llm-field', line, help);
  }
  const label = attrs(
    el('label', '', name, el('span', 'llm-type', words), changed),
    { for: id }
  );
  return el('div', 'llm-field', label, control.node, help);
}

function makeControl(param: IParam, text: string): IControl {
  const control = makeOwn(param, isNullNow(param) ? '' : text);
  const kind = kindOf(param);
  return takesNull(param) && (kind === 'text' || kind === 'number')
    ? orNull(control, isNullNow(param))
    : control;
}

/** A control with a box beside it that makes the value null. */
function orNull(control: IControl, isNull: boolean): IControl {
  const box = attrs(el('input'), { type: 'checkbox' });
  box.checked = isNull;
  const show = (): void => {
    control.input.disabled = box.checked;
  };
  box.addEventListener('input', show);
  show();
  const label = el('label', 'llm-check', box, el('code', '', 'null'));
  return {
    ...control,
    node: el('div', '', control.node, label),
    value: () => (box.checked ? 'null' : control.value())
  };
}

function makeOwn(param: IParam, text: string): IControl {
  switch (kindOf(param)) {
    case 'boolean': {
      const input = attrs(el('input'), { type: 'checkbox' });
      input.checked = text.trim() === 'true';
      return { node: input, input, value: () => String(input.checked) };
    }
    case 'choice':
      return choice(param, text);
    case 'number': {
      const input = attrs(el('input', 'llm-input'), { inputmode: 'decimal' });
      input.value = text;
      return { node: input, input, value: () => input.value.trim() || null };
    }
    case 'json': {
      const input = area(param.isText ? JSON.stringify(text) : param.text);
      return { node: input, input, value: () => input.value.trim() || null };
    }
    case 'text': {
      const long = text.length > 60 || text.includes('\n');
      const input = long ? area(text) : el('input', 'llm-input');
      attrs(input, { spellcheck: 'false', autocomplete: 'off' });
      input.value = text;
      return { node: input, input, value: () => JSON.stringify(input.value) };
    }
  }
}

function area(text: string): HTMLTextAreaElement {
  const rows = Math.min(10, Math.max(2, text.split('\n').length + 1));
  const input = attrs(el('textarea', 'llm-input'), {
    rows: String(rows),
    spellcheck: 'false'
  });
  input.value = text;
  return input;
}

/** A menu of the values that the schema lists. */
function choice(param: IParam, text: string): IControl {
  const values = valuesOf(param).map(value => JSON.stringify(value));
  const now = param.isText ? JSON.stringify(text) : param.text.trim();
  if (!values.includes(now)) {
    values.unshift(now);
  }
  const input = el('select', 'llm-input');
  for (const value of values) {
    const label = value.startsWith('"') ? (JSON.parse(value) as string) : value;
    const option = el('option', '', visible(label));
    option.value = value;
    input.append(option);
  }
  input.value = now;
  return {
    node: el('div', 'llm-select', input, icon('chevron')),
    input,
    value: () => input.value
  };
}
