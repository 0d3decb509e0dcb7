import { expect, test, vi } from 'vitest';

import type { IParam } from '../../protocol/document';
import { param } from '../../testing/samples';
import { ChipEditor } from './chipEditor';
import { makeField } from './fields';
import type { IField } from './fields';

function made(given: IParam): IField {
  const result: IField = makeField(given, given.text, () => result.mark(true));
  document.body.replaceChildren(result.node);
  return result;
}

function value(
  text: string,
  schema: Record<string, unknown>,
  fields: Partial<IParam> = {}
): IParam {
  return param('x', text, { isText: false, type: 'x', schema, ...fields });
}

/** Write into a field as a reader would. */
function write(made: IField, text: string): void {
  const input = made.input as HTMLInputElement;
  input.value = text;
  input.dispatchEvent(new Event('input', { bubbles: true }));
}

const help = (): string =>
  document.querySelector('.llm-help')?.textContent ?? '';

test('a string is written without quotes, on several lines where it has them', () => {
  const short = made(param('to', 'a "b"'));
  expect(short.input.tagName).toBe('INPUT');
  expect(short.value()).toBe('"a \\"b\\""');
  expect(made(param('body', 'a\nb')).input.tagName).toBe('TEXTAREA');
  expect(made(param('body', 'a\nb')).value()).toBe('"a\\nb"');
});

test('a number says what is wrong with it', () => {
  const number = made(value('5', { type: 'integer', maximum: 60 }));
  write(number, '90');
  expect(help()).toBe('At most 60.');
  expect(number.input.getAttribute('aria-invalid')).toBe('true');
  expect(number.input.getAttribute('aria-describedby')).toBe(
    document.querySelector('.llm-help')!.id
  );
  write(number, 'ninety');
  expect(help()).toBe('Must be a number.');
  write(number, '7');
  expect([help(), number.problem()]).toEqual(['', '']);
  expect(number.value()).toBe('7');
});

test('a number keeps all its digits', () => {
  const number = made(value('12345678901234567891', { type: 'integer' }));
  expect(number.value()).toBe('12345678901234567891');
});

test('a boolean is a box with the words for it', () => {
  const box = made(
    value('true', { type: 'boolean' }, { description: 'ask for a receipt' })
  );
  expect(document.body.textContent).toContain('ask for a receipt');
  (box.input as HTMLInputElement).click();
  expect(box.value()).toBe('false');
});

test('a choice from a list is a menu, which also has the current value', () => {
  const menu = made(
    param('x', 'urgent', { schema: { enum: ['low', 'high', 3] } })
  );
  const options = Array.from(menu.input.querySelectorAll('option'));
  expect(options.map(option => option.textContent)).toEqual([
    'urgent',
    'low',
    'high',
    '3'
  ]);
  expect(menu.value()).toBe('"urgent"');
  expect(menu.problem()).toBe('Must be one of low, high, 3.');
  write(menu, '3');
  expect([menu.value(), menu.problem()]).toEqual(['3', '']);
});

test('a list is JSON, checked item by item', () => {
  const list = made(
    value('[1]', { type: 'array', items: { type: 'integer' } })
  );
  write(list, '[1, "two"]');
  expect(help()).toBe('Item 2: must be a whole number.');
  write(list, '[1, 2');
  expect(help()).toBe('This is not JSON.');
});

test('an object is JSON, checked name by name', () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'string' } },
    required: ['a']
  };
  const object = made(value('{"a": "b"}', schema));
  write(object, '{"a": 1}');
  expect(help()).toBe('a: must be a string.');
  write(object, '{}');
  expect(help()).toBe('Needs a.');
});

test.each([
  [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'abc', '"abc"'],
  [{ type: ['string', 'null'] }, 'abc', '"abc"'],
  [{ anyOf: [{ type: 'integer' }, { type: 'null' }] }, '3', '3']
])('what may be null has a box for it: %j', (schema, text, json) => {
  const field = made(value('null', schema));
  const box = document.querySelector<HTMLInputElement>('[type=checkbox]')!;
  expect([field.value(), field.problem()]).toEqual(['null', '']);
  expect((field.input as HTMLInputElement).disabled).toBe(true);
  box.click();
  write(field, text);
  expect([field.value(), field.problem()]).toEqual([json, '']);
  box.click();
  expect(field.value()).toBe('null');
});

test('a boolean that may be null has three choices', () => {
  const menu = made(value('null', { type: ['boolean', 'null'] }));
  expect(menu.value()).toBe('null');
  write(menu, 'true');
  expect([menu.value(), menu.problem()]).toEqual(['true', '']);
});

test('a string where the schema wants another type keeps its quotes', () => {
  const field = made(param('x', 'abc', { schema: { type: 'integer' } }));
  expect(field.value()).toBe('"abc"');
  expect(field.problem()).toBe('Must be a whole number.');
});

test('an argument that is needed cannot be left out', () => {
  const needed = made(value('5', { type: 'integer' }));
  write(needed, '');
  expect(help()).toBe('Needed.');
  const other = made(value('5', { type: 'integer' }, { required: false }));
  write(other, '');
  expect([other.value(), help()]).toEqual([null, '']);
});

test('a field tells what hidden characters are in it', () => {
  const text = made(param('subject', 'Q3 \u202efdp.exe'));
  expect(help()).toContain(
    '1 hidden character: U+202E reverses the text after it.'
  );
  document.querySelector<HTMLButtonElement>('.llm-help button')!.click();
  expect(help()).toBe('');
  expect(text.value()).toBe('"Q3 fdp.exe"');
});

test('a hidden character in a field is a box, as on a card, and part of the value', () => {
  const text = made(param('subject', 'Q3 \u202efdp.exe\n'));
  expect(text.input.textContent).toBe('Q3 \\u{202e}fdp.exe\n');
  expect(text.input.querySelector('bdi')?.textContent).toBe('\\u{202e}');
  expect(text.value()).toBe('"Q3 \u202efdp.exe\\n"');
});

test('what a browser draws by itself is read: typed text, removed boxes, pasted line breaks', () => {
  const text = made(param('x', 'a\u200bb'));
  text.input.querySelector('bdi')!.remove();
  text.input.append('c\u202e');
  text.input.dispatchEvent(new Event('input', { bubbles: true }));
  expect(text.value()).toBe('"abc\u202e"');
  expect(text.input.textContent).toBe('abc\\u{202e}');
});

test('a field becomes a box of ours when something hidden comes into it', () => {
  const text = made(param('x', 'plain'));
  write(text, 'pla\u202ein');
  expect(text.input.querySelector('bdi')).not.toBeNull();
  expect(text.value()).toBe('"pla\u202ein"');
  expect(text.input.getAttribute('aria-labelledby')).toBe(
    document.querySelector('label')!.id
  );
});

test.each([
  ['deleteContentBackward', null, 2, 'ab'],
  ['deleteContentForward', null, 1, 'ab'],
  ['insertText', 'x', 2, 'a\u202exb'],
  ['insertParagraph', null, 3, 'a\u202eb\n'],
  ['formatBold', null, 1, 'a\u202eb']
])('an edit changes the value: %s', (inputType, data, at, value) => {
  const editor = new ChipEditor('a\u202eb', () => undefined);
  document.body.replaceChildren(editor.node);
  editor.placeCaret(at);
  const edit = new InputEvent('beforeinput', {
    inputType,
    data,
    cancelable: true
  });
  Object.assign(edit, { getTargetRanges: () => [] });
  editor.node.dispatchEvent(edit);
  expect(edit.defaultPrevented).toBe(true);
  expect(editor.value).toBe(value);
  editor.node.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'z', ctrlKey: true })
  );
  expect(editor.value).toBe('a\u202eb');
});

test('the caret goes to every place of the text and is read there', () => {
  const value = 'a\u202e\u200bb\nраypal\n';
  const editor = new ChipEditor(value, () => undefined);
  document.body.replaceChildren(editor.node);
  for (let at = 0; at <= value.length; at++) {
    editor.placeCaret(at);
    editor.replace(at, at, '');
    const before = document.createRange();
    const { anchorNode, anchorOffset } = document.getSelection()!;
    before.setStart(editor.node, 0);
    before.setEnd(anchorNode!, anchorOffset);
    const drawn = before
      .toString()
      .replace(/\\u\{(\w+)\}/g, (_, code: string) =>
        String.fromCodePoint(parseInt(code, 16))
      );
    expect(drawn).toBe(value.slice(0, at));
  }
});

test('JSON has hidden characters as escapes, also those that are pasted', () => {
  const list = made(value('["a\u202e"]', { type: 'array' }, { isText: false }));
  const input = list.input as HTMLTextAreaElement;
  expect(input.value).toBe('["a\\u202e"]');
  write(list, '["\u{e0041}"]');
  expect(input.value).toBe('["\\udb40\\udc41"]');
});

test('a text that is too long for a box of ours stays in the browser’s field, and is reported', () => {
  const long = made(param('x', '\u202e' + 'x'.repeat(1_000_000)));
  expect(long.input.tagName).toBe('TEXTAREA');
  expect(help()).toContain('1 hidden character');
});

test('a name that holds a line break says so', () => {
  made(param('cc\nbcc', 'a'));
  expect(document.querySelector('label code')?.textContent).toBe('cc\\nbcc');
  expect(help()).toBe('The name of this argument holds a line break, U+000A.');
});

test('every change is reported once', () => {
  const onInput = vi.fn();
  const text = makeField(param('x', 'a'), 'a', onInput);
  text.input.dispatchEvent(new Event('input', { bubbles: true }));
  expect(onInput).toHaveBeenCalledTimes(1);
});

test('every field is named for those who do not see it', () => {
  for (const given of [
    param('x', 'a'),
    value('1', { type: 'integer' }),
    value('true', { type: 'boolean' }),
    param('x', 'a', { schema: { enum: ['a'] } }),
    value('null', { type: ['string', 'null'] })
  ]) {
    const { input } = made(given);
    expect((input as HTMLInputElement).labels?.[0].textContent).toContain('x');
  }
});
