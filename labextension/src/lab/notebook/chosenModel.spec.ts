import { expect, test } from 'vitest';

import {
  chooseModel,
  chosenModel,
  isPromptFirst,
  setPromptFirst
} from './chosenModel';

/** The metadata of a notebook. */
function notebook(held?: unknown): Parameters<typeof chooseModel>[0] {
  const metadata: Record<string, unknown> = { llm_notebook: held };
  return {
    getMetadata: (key: string) => metadata[key],
    setMetadata: (key: string, value: unknown) => void (metadata[key] = value)
  } as unknown as Parameters<typeof chooseModel>[0];
}

test('a file may hold anything, and only a text names a model', () => {
  for (const held of [undefined, null, 7, [], { model: {} }, { model: 7 }]) {
    expect(chosenModel(notebook(held))).toBe('');
  }
  expect(chosenModel(null)).toBe('');
});

test('a chosen model is kept beside what is there, and given up', () => {
  const held = notebook({ other: 1 });
  chooseModel(held, 'm');
  expect(chosenModel(held)).toBe('m');
  expect(held.getMetadata('llm_notebook')).toEqual({ other: 1, model: 'm' });
  chooseModel(held, '');
  expect(chosenModel(held)).toBe('');
});

test('whether new cells are prompts is kept beside the model', () => {
  for (const held of [undefined, null, 7, { promptFirst: 'yes' }]) {
    expect(isPromptFirst(notebook(held))).toBeUndefined();
  }
  const held = notebook({ model: 'm' });
  setPromptFirst(held, true);
  expect([isPromptFirst(held), chosenModel(held)]).toEqual([true, 'm']);
  setPromptFirst(held, false);
  expect(isPromptFirst(held)).toBe(false);
});
