import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { IRequest } from '../protocol/document';
import { Page } from '../testing/page';
import { pending, transcript } from '../testing/samples';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function asked(fields: Partial<IRequest> = {}): Page {
  return new Page(transcript([pending(fields)], { state: 'paused' }));
}

test('a decision that could not be sent says why, and can be tried again', async () => {
  const page = asked();
  page.outcome = () => Promise.reject(new Error('The kernel went away.'));
  await page.wait();
  page.press('Approve');
  await page.wait(0);
  expect(page.hint).toBe('The kernel went away.');
  page.outcome = () => Promise.resolve();
  page.press('Approve');
  expect(page.actions).toHaveLength(2);
});

test('what cannot run can be read and denied, and not be approved', async () => {
  const page = asked({ blocked: 'Run the cell that defines delete_files.' });
  await page.wait();
  page.press('Approve');
  page.press('Deny…');
  expect(page.actions).toEqual([]);
  expect(page.hint).toBe('Run the cell that defines delete_files.');
  page.press('Deny');
  expect(page.actions).toMatchObject([{ verdict: 'denied' }]);
});

test('what cannot run can be dropped', async () => {
  const page = asked({ blocked: 'This kernel does not know the model gone.' });
  await page.wait();
  page.press('Drop this question…');
  page.press('Drop');
  expect(page.actions).toMatchObject([{ verdict: 'abandoned', drop: true }]);
});

test('a decision that does not count says why, and can be made again', async () => {
  const page = asked();
  await page.wait();
  page.press('Approve');
  const refused = 'The value of to is not an address.';
  const block = pending({ refused });
  page.view.show(transcript([block], { state: 'paused', seq: 1 }));
  expect(page.hint).toBe(refused);
  page.press('Approve');
  expect(page.actions).toHaveLength(2);
});

test('a denial that was sent stays sent while the call cannot run', async () => {
  const blocked = 'Run the cell that defines delete_files.';
  const page = asked({ blocked });
  await page.wait();
  page.press('Deny…');
  page.press('Deny');
  const other = pending({ blocked });
  page.view.show(transcript([other], { state: 'paused', seq: 1 }));
  page.press('Deny');
  expect(page.actions).toHaveLength(1);
});

test('an approval that comes too early for its tool says what to run', async () => {
  const page = asked();
  await page.wait();
  page.press('Approve');
  const blocked = 'Run the cell that defines delete_files.';
  const block = pending({ blocked });
  page.view.show(transcript([block], { state: 'paused', seq: 1 }));
  expect(page.hint).toBe(blocked);
  page.press('Approve');
  expect(page.actions).toHaveLength(1);
  page.view.show(transcript([pending()], { state: 'paused', seq: 2 }));
  page.press('Approve');
  expect(page.actions).toHaveLength(2);
});
