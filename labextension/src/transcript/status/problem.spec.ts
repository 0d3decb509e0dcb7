import { expect, test, vi } from 'vitest';

import type { Action, IProblem } from '../protocol/document';
import type { IHost } from '../drawing/host';
import { problemRow } from './problem';

const PROBLEM: IProblem = {
  kind: 'key',
  title: 'No key for OpenAI',
  text: 'Nothing was sent. `%llm keys set openai` stores one.',
  ways: [
    {
      code: '%llm keys set openai',
      text: 'kept',
      label: 'Enter a key…',
      key: 'openai'
    },
    {
      code: '%llm -m s …',
      text: 'installed',
      label: 'Use the local model',
      model: 's'
    },
    {
      code: '%llm local install',
      text: '93 MB',
      label: 'Run one',
      installs: true
    },
    { code: '%llm models', text: 'lists them' }
  ]
};

function drawn(host: IHost, isHeld = false): [HTMLElement, Action[]] {
  const done: Action[] = [];
  const act = (action: Action): void => void done.push(action);
  const node = problemRow(PROBLEM, {
    host,
    act,
    isHeld,
    transcript: 't',
    buttons: null
  });
  document.body.replaceChildren(node);
  return [node, done];
}

const choice = (node: HTMLElement, text: string): HTMLButtonElement =>
  [...node.querySelectorAll('button')].find(one =>
    one.textContent.includes(text)
  )!;

const LIVE: IHost = {
  act: () => Promise.resolve(),
  key: () => Promise.resolve()
};

test('a problem says what happened, with what can be typed as code', () => {
  const [node] = drawn({});
  expect(node.getAttribute('role')).toBe('alert');
  expect(node.querySelector('.llm-notice-text code')?.textContent).toBe(
    '%llm keys set openai'
  );
});

test('without a kernel there are only lines to copy', () => {
  const copy = vi.fn();
  const [node, done] = drawn({ copy });
  expect(node.querySelector('input')).toBeNull();
  node.querySelectorAll('button').forEach(one => one.click());
  expect(copy.mock.calls.flat()).toEqual(PROBLEM.ways!.map(way => way.code));
  expect(done).toEqual([]);
});

test('with a kernel, another model is asked and the local one installed by a click', () => {
  const [node, done] = drawn(LIVE);
  choice(node, 'Use the local model').click();
  choice(node, 'Run one').click();
  expect(done).toEqual([
    { type: 'ask', transcript: 't', model: 's' },
    { type: 'install', transcript: 't' }
  ]);
});

test('buttons are held while something is under way', () => {
  const [node, done] = drawn(LIVE, true);
  choice(node, 'Use the local model').click();
  expect(done).toEqual([]);
});

test('a key is typed into a hidden field, which is emptied at once', () => {
  const key = vi.fn(() => Promise.resolve());
  const [node] = drawn({ ...LIVE, key });
  const open = choice(node, 'Enter a key');
  const field = node.querySelector('input')!;
  expect(open.getAttribute('aria-expanded')).toBe('false');
  open.click();
  expect(document.activeElement).toBe(field);
  expect(field.type).toBe('password');
  field.value = ' sk-1 ';
  field.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'Enter', bubbles: true })
  );
  expect(key).toHaveBeenCalledWith('t', 'openai', 'sk-1');
  expect(field.value).toBe('');
});

test('an empty key is not sent, and Escape closes the field', () => {
  const key = vi.fn(() => Promise.resolve());
  const [node] = drawn({ ...LIVE, key });
  const open = choice(node, 'Enter a key');
  open.click();
  choice(node, 'Store the key').click();
  expect(key).not.toHaveBeenCalled();
  expect(node.querySelector('.llm-key-form .llm-hint')?.textContent).toBe(
    'Paste the key first.'
  );
  node
    .querySelector('input')!
    .dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Escape', bubbles: true })
    );
  expect(open.getAttribute('aria-expanded')).toBe('false');
});

test('a key that cannot be delivered says why', async () => {
  const [node] = drawn({
    ...LIVE,
    key: () => Promise.reject(new Error('The kernel went away.'))
  });
  choice(node, 'Enter a key').click();
  node.querySelector('input')!.value = 'sk-1';
  choice(node, 'Store the key').click();
  await Promise.resolve();
  await Promise.resolve();
  expect(node.querySelector('.llm-key-form .llm-hint')?.textContent).toBe(
    'The kernel went away.'
  );
});
