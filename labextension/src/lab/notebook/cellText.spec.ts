// @vitest-environment node

import type { Cell } from '@jupyterlab/cells';
import { expect, test } from 'vitest';

import { isEditable, replaceable, sourceOf } from './cellText';

/** A cell with a text, and what its editor keeps of each change. */
function cellOf(source: string, editable?: boolean): Pick<Cell, 'model'> {
  let text = source;
  const sharedModel = {
    getSource: () => text,
    updateSource: (from: number, to: number, value: string) => {
      text = text.slice(0, from) + value + text.slice(to);
    }
  };
  return {
    model: { sharedModel, getMetadata: () => editable }
  } as unknown as Pick<Cell, 'model'>;
}

test('a text that was replaced can be put back', () => {
  const cell = cellOf('before');
  const found = replaceable(cell);
  found.replace('after');
  expect(sourceOf(cell)).toBe('after');
  expect(found.undo()).toBe(true);
  expect(sourceOf(cell)).toBe('before');
});

test('what was typed since is not undone', () => {
  const cell = cellOf('before');
  const found = replaceable(cell);
  found.replace('after');
  replaceable(cell).replace('typed');
  expect(found.undo()).toBe(false);
  expect(sourceOf(cell)).toBe('typed');
});

test('a cell that is locked says so', () => {
  expect(isEditable(cellOf('', false))).toBe(false);
  expect(isEditable(cellOf('', undefined))).toBe(true);
});
