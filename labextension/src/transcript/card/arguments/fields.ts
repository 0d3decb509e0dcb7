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
  visibleJson,
  withoutHidden
} from '../../dom/visible';
import { canDraw, ChipEditor } from './chipEditor';
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
  input: HTMLElement;
  value: () => string | null;
  /** The text as the reader sees it, without its quotes. */
  text: () => string;
  /** Take the hidden characters away; missing where there is nothing to take away. */
  clean?: () => void;
  disable: (disabled: boolean) => void;
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
  const remove = button('llm-plain', 'Remove', () => control.clean?.());
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
    const text = control.text();
    const many = countHidden(text);
    const odd = [nameNote(param.name), hiddenWords(text), mixedWordsNote(text)];
    const said = wrong || odd.filter(Boolean).join(' ');
    refill(help, said);
    if (many && !wrong && control.clean) {
      attrs(remove, { 'aria-label': `Remove: ${hiddenWords(text)}` });
      refill(remove, many === 1 ? 'Remove it' : 'Remove them');
      help.append(' ', remove);
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
  return Object.assign(control, {
    node: el('div', '', control.node, label),
    value: (value => () => (box.checked ? 'null' : value()))(control.value)
  });
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
      return makeTextBox(text);
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

/** Write hidden characters that come into a field of JSON as escapes. */
export function writeVisibly(input: HTMLTextAreaElement): void {
  input.addEventListener('input', () => {
    const shown = visibleJson(input.value);
    if (shown !== input.value) {
      const after = visibleJson(input.value.slice(input.selectionEnd));
      input.value = shown;
      input.selectionEnd = shown.length - after.length;
    }
  });
}

/** Make a box for a string: a field of the browser's, or one of our own while there is something in it that must be drawn. */
function makeTextBox(text: string): IControl {
  const node = el('div');
  const plain = makePlainBox(text);
  let own: ChipEditor | null = null;
  const told = (): void => {
    node.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const draw = (value: string): void => {
    const { id } = control.input;
    own = new ChipEditor(value, told);
    own.node.id = id;
    control.input = own.node;
    refill(node, own.node);
  };
  const read = (): string => own?.value ?? plain.value;
  const control: IControl = {
    node,
    input: plain,
    value: () => JSON.stringify(read()),
    text: read,
    clean: () => {
      if (own) {
        own.replace(0, own.value.length, withoutHidden(own.value));
      } else {
        plain.value = withoutHidden(plain.value);
        told();
      }
    },
    disable: disabled => {
      plain.disabled = disabled;
      if (own) {
        attrs(own.node, {
          contenteditable: String(!disabled),
          'aria-disabled': disabled ? 'true' : null
        });
      }
    }
  };
  refill(node, plain);
  const mustDraw = (value: string): boolean =>
    (countHidden(value) > 0 || mixedWordsNote(value) !== '') && canDraw(value);
  plain.addEventListener('input', () => {
    if (!own && mustDraw(plain.value)) {
      const at = plain.selectionEnd ?? plain.value.length;
      const hadFocus = plain.ownerDocument.activeElement === plain;
      draw(plain.value);
      if (hadFocus) {
        control.input.focus({ preventScroll: true });
        own!.placeCaret(at);
      }
    }
  });
  if (mustDraw(text)) {
    draw(text);
  }
  return control;
}

function makePlainBox(text: string): HTMLInputElement | HTMLTextAreaElement {
  const long = text.length > 60 || text.includes('\n');
  const input = long ? makeArea(text) : el('input', 'llm-input');
  attrs(input, { spellcheck: 'false', autocomplete: 'off' });
  input.value = text;
  return input;
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
    ...plainControl(input),
    node: el('div', 'llm-select', input, icon('chevron')),
    value: () => input.value,
    text: () => ''
  };
}
