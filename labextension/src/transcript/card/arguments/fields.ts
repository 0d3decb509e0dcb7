/** Makes the field of a form in which one argument is edited, from its JSON Schema. */

import type { IParam } from '../../protocol/document';
import {
  attrs,
  button,
  el,
  refill,
  setText,
  uniqueId
} from '../../dom/elements';
import { icon } from '../../dom/icons';
import { mixedWordsNote } from '../../dom/scripts';
import {
  countHidden,
  hiddenWords,
  nameNodes,
  nameNote,
  visible,
  visibleJson
} from '../../dom/visible';
import { problemOf } from './misfit';
import { isNull, kindOf, takesNull, typeWords, valuesOf } from './schema';
import { makeArea, TextBox, writeVisibly } from './textBox';
import type { IControl } from './textBox';
import { trans } from '../../dom/translation';

/** A field of the form. */
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
  const remove = button('llm-plain', trans.__('Remove'), () =>
    control.clean?.()
  );
  const problem = (): string => problemIn(control, param);
  const mark = (isChanged: boolean): void => {
    setText(changed, isChanged ? trans.__('changed') : '');
    const wrong = isChanged ? problem() : '';
    const said = wrong || notesOn(control.text(), param);
    refill(help, said);
    if (!wrong) {
      offerCleaning(control, remove, help);
    }
    help.hidden = !said;
    help.className = `llm-help llm-is-${wrong ? 'error' : 'warn'}`;
    const isOwn = control.input instanceof HTMLDivElement;
    attrs(control.input, {
      'aria-labelledby': isOwn ? `${id}-label` : null,
      'aria-invalid': wrong ? 'true' : null,
      'aria-describedby': said ? help.id : null
    });
  };
  mark(false);
  return {
    node: withLabel(param, control, id, changed, help),
    get input() {
      return control.input;
    },
    value: () => control.value(),
    problem,
    mark
  };
}

/** Why what is written does not fit; empty if it does. */
function problemIn(control: IControl, param: IParam): string {
  const value = control.value();
  if (value === null) {
    return param.required === false ? '' : trans.__('Needed.');
  }
  return problemOf(value, param);
}

/** What a reader should know of a text that fits: its hidden characters and its mixed scripts. */
function notesOn(text: string, { name }: IParam): string {
  const notes = [nameNote(name), hiddenWords(text), mixedWordsNote(text)];
  return notes.filter(Boolean).join(' ');
}

/** Offer to take the hidden characters away, if there are any. */
function offerCleaning(
  control: IControl,
  remove: HTMLElement,
  help: HTMLElement
): void {
  const text = control.text();
  const many = countHidden(text);
  if (many && control.clean) {
    attrs(remove, { 'aria-label': trans.__('Remove: %1', hiddenWords(text)) });
    refill(
      remove,
      many === 1 ? trans.__('Remove it') : trans.__('Remove them')
    );
    help.append(' ', remove);
  }
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
    { for: id, id: `${id}-label` }
  );
  label.addEventListener('click', () => {
    if (control.input instanceof HTMLDivElement) {
      control.input.focus({ preventScroll: true });
    }
  });
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
  const update = (): void => control.disable(box.checked);
  box.addEventListener('input', update);
  update();
  const label = el('label', 'llm-check', box, el('code', '', 'null'));
  return {
    node: el('div', '', control.node, label),
    get input() {
      return control.input;
    },
    value: () => (box.checked ? 'null' : control.value()),
    text: () => control.text(),
    clean: control.clean && (() => control.clean?.()),
    disable: disabled => control.disable(disabled)
  };
}

function makeBareControl(param: IParam, text: string): IControl {
  switch (kindOf(param)) {
    case 'boolean': {
      const input = attrs(el('input'), { type: 'checkbox' });
      input.checked = text.trim() === 'true';
      return {
        ...plainControl(input),
        value: () => String(input.checked),
        text: () => ''
      };
    }
    case 'choice':
      return makeMenu(param, text);
    case 'number': {
      const input = attrs(el('input', 'llm-input'), { inputmode: 'decimal' });
      input.value = text;
      return plainControl(input);
    }
    case 'json': {
      const json = param.isText ? JSON.stringify(text) : text;
      const input = makeArea(visibleJson(json));
      writeVisibly(input);
      return plainControl(input);
    }
    case 'text':
      return new TextBox(text);
  }
}

function plainControl(
  input: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement
): IControl {
  return {
    node: input,
    input,
    value: () => input.value.trim() || null,
    text: () => input.value,
    disable: disabled => {
      input.disabled = disabled;
    }
  };
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
    ...plainControl(input),
    node: el('div', 'llm-select', input, icon('chevron')),
    value: () => input.value,
    text: () => ''
  };
}
