import { expect, test } from 'vitest';

import { Holding } from './holding';

const later = (): Promise<void> => new Promise(done => setTimeout(done));

test('what would replace a button waits until it is released, and only the last of it happens', async () => {
  const node = document.createElement('div');
  const holding = new Holding(node);
  const done: string[] = [];
  holding.act(() => done.push('at once'));
  node.dispatchEvent(new Event('pointerdown'));
  holding.act(() => done.push('first'));
  holding.act(() => done.push('last'));
  expect(done).toEqual(['at once']);
  window.dispatchEvent(new Event('pointerup'));
  done.push('click');
  await later();
  expect(done).toEqual(['at once', 'click', 'last']);
  holding.act(() => done.push('again at once'));
  expect(done).toHaveLength(4);
});
