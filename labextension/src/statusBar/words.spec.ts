// @vitest-environment node

import { nullTranslator } from '@jupyterlab/translation';
import { expect, test } from 'vitest';

import type { Overview } from '../lab/kernel/overview';
import { statusWords } from './words';

const trans = nullTranslator.load('');
const said = (over: Partial<Overview> = {}): Overview => ({
  type: 'overview',
  default: 'usual',
  models: [],
  waiting: [],
  waits: 0,
  sent: 0,
  received: 0,
  cost: '',
  ...over
});

test('the item names the model of the notebook, or else the default', () => {
  expect(statusWords(said(), '', trans).model).toBe('usual');
  expect(statusWords(said(), 'chosen', trans).model).toBe('chosen');
});

test('a name that a stranger has written is marked and short', () => {
  const words = statusWords(said(), `gpt\u202e${'x'.repeat(1e6)}`, trans);
  expect(words.model).not.toContain('\u202e');
  expect(words.model).toContain('gpt');
  expect(words.model.length).toBeLessThan(120);
});

test('what is nothing is not shown, and an unknown price is none', () => {
  const nothing = statusWords(said(), '', trans);
  expect([nothing.waiting, nothing.used]).toEqual(['', '']);
  const used = said({ waits: 2, sent: 1200, received: 34 });
  const words = statusWords(used, '', trans);
  expect([words.waiting, words.used]).toEqual(['2 waiting', '1,234 tokens']);
  expect(words.details).toContain('1,200 tokens in, 34 out');
  expect(statusWords({ ...used, cost: '$0.31' }, '', trans).used).toBe('$0.31');
});
