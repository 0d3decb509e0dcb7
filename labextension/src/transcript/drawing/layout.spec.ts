import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ICallBlock } from '../protocol/document';
import type { Change } from '../testing/changes';
import { CHANGES } from '../testing/changes';
import { Page } from '../testing/page';
import { pending, transcript } from '../testing/samples';
import { isPending, keyOfCard } from './layout';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a card offers besides what it shows: the fields of its form follow the schemas. */
const MORE: Record<string, Change> = {
  'the schema of an argument': block =>
    (block.request!.params[0].schema = { type: 'string', enum: ['x'] })
};
const ALL = Object.entries({ ...CHANGES, ...MORE });

function changed(change: Change): ICallBlock {
  const block = pending();
  change(block);
  return block;
}

test('each difference makes a question another card', () => {
  const document = transcript([]);
  const call = changed(() => undefined);
  if (!isPending(call)) {
    throw new Error('It does not wait.');
  }
  const keys = ALL.map(([, change]) => changed(change))
    .filter(isPending)
    .map(block => keyOfCard(document, block, 0));
  keys.push(keyOfCard(document, call, 0), keyOfCard(document, call, 1));
  keys.push(keyOfCard({ ...document, id: 'turn-2' }, call, 0));
  keys.push(keyOfCard({ ...document, model: 'another' }, call, 0));
  expect(new Set(keys).size).toBe(ALL.length + 4);
  // The same question, told once more, keeps its card with what was typed there.
  const again = changed(() => undefined);
  expect(isPending(again) && keyOfCard(document, again, 0)).toBe(
    keyOfCard(document, call, 0)
  );
});

test.each(ALL)(
  '%s draws the card anew, which takes no consent at once',
  async (_, change) => {
    const page = new Page(transcript([pending()], { state: 'paused' }));
    await page.wait();
    const before = page.node.querySelector('.llm-ask');
    page.view.show(transcript([changed(change)], { state: 'paused', seq: 1 }));
    const after = page.node.querySelector('.llm-ask');
    expect(after).not.toBeNull();
    expect(after).not.toBe(before);
    for (const label of ['Approve', 'Run again', 'Approve again']) {
      page.buttons(label).forEach(button => button.click());
    }
    expect(page.actions).toEqual([]);
  }
);
