/** Makes the field of a form in which one argument is edited, from its JSON Schema. */

import type { IParam } from '../document';
import { attrs, el, setText, uniqueId } from '../dom/elements';
import { icon } from '../dom/icons';
import { hiddenWords, nameNodes, visible } from '../dom/visible';
import { problemOf } from './misfit';
import { isNull, kindOf, takesNull, typeWords, valuesOf } from './schema';

export interface IField {
  readonly node: HTMLElement;
  readonly input: HTMLElement;
  /** What is written, as JSON text; null if the argument is left out. */
  value(): string | null;
  /** Why it does not fit; empty if it does. */
  problem(): string;
  /** Show whether it was changed, and if so, what is wrong with it. */
  mark(changed: boolean): void;
}

/** What the reader writes in, or chooses from. */
interface IControl {
  node: HTMLElement;
  input: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
  value: () => string | null;
}

/** Make the field of an argument whose full text is `text`. `onInput` is called after every change. */
export function makeField(
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
    // A browser draws the text in a field itself, so hidden characters in it can only be reported.
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
    node: withLabel(param, control, id, changed, help),
    input: control.input,
    value: control.value,
    problem,
    mark
  };
}

function withLabel(
  param: IParam,
  control: IControl,
  id: string,
  changed: Node,
  help: Node
): HTMLElement {
  const name = el('code', '', ...nameNodes(param.name));
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
  const control = makeBareControl(param, isNull(param) ? '' : text);
  const kind = kindOf(param);
  return takesNull(param) && (kind === 'text' || kind === 'number')
    ? withNullBox(control, isNull(param))
    : control;
}

/** Add a box to a control that makes the value null. */
function withNullBox(control: IControl, isChecked: boolean): IControl {
  const box = attrs(el('input'), { type: 'checkbox' });
  box.checked = isChecked;
  const update = (): void => {
    control.input.disabled = box.checked;
  };
  box.addEventListener('input', update);
  update();
  const label = el('label', 'llm-check', box, el('code', '', 'null'));
  return {
    ...control,
    node: el('div', '', control.node, label),
    value: () => (box.checked ? 'null' : control.value())
  };
}

function makeBareControl(param: IParam, text: string): IControl {
  switch (kindOf(param)) {
    case 'boolean': {
      const input = attrs(el('input'), { type: 'checkbox' });
      input.checked = text.trim() === 'true';
      return { node: input, input, value: () => String(input.checked) };
    }
    case 'choice':
      return makeMenu(param, text);
    case 'number': {
      const input = attrs(el('input', 'llm-input'), { inputmode: 'decimal' });
      input.value = text;
      return { node: input, input, value: () => input.value.trim() || null };
    }
    case 'json': {
      const input = makeArea(param.isText ? JSON.stringify(text) : param.text);
      return { node: input, input, value: () => input.value.trim() || null };
    }
    case 'text': {
      const long = text.length > 60 || text.includes('\n');
      const input = long ? makeArea(text) : el('input', 'llm-input');
      attrs(input, { spellcheck: 'false', autocomplete: 'off' });
      input.value = text;
      return { node: input, input, value: () => JSON.stringify(input.value) };
    }
  }
}

function makeArea(text: string): HTMLTextAreaElement {
  const rows = Math.min(10, Math.max(2, text.split('\n').length + 1));
  const input = attrs(el('textarea', 'llm-input'), {
    rows: String(rows),
    spellcheck: 'false'
  });
  input.value = text;
  return input;
}

/** Make a menu of the values that the schema lists, and of the current value if it is not among them. */
function makeMenu(param: IParam, text: string): IControl {
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
