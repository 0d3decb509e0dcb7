import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ITranscript } from '../protocol/document';
import type { IHost } from '../drawing/host';
import { Page } from '../testing/page';
import { pending, text, transcript } from '../testing/samples';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const HELD = ['a', 'b', 'c'];

function shown(
  fields: Partial<ITranscript>,
  host: Partial<IHost> = {}
): Page & { ran: number } {
  const blocks = fields.state === 'paused' ? [pending()] : [text('Done.')];
  const page = Object.assign(
    new Page(transcript(blocks, { heldUp: HELD, ...fields }), {
      cells: ids => ({
        count: ids.length,
        areBelow: true,
        run: async () => {
          page.ran += 1;
        }
      }),
      ...host
    }),
    { ran: 0 }
  );
  return page;
}

const LINE = '.llm-held-up';

test('while the question is open, it says why cells did not run', () => {
  const page = shown({ state: 'paused' });
  expect(page.text(LINE)).toBe(
    '3 cells below did not run, because this one waits for you.'
  );
  expect(page.buttons('Run the cells below')).toHaveLength(0);
});

test('once the turn is over, it offers to run them', () => {
  const page = shown({ state: 'done' });
  expect(page.text(LINE)).toBe('3 cells below did not run.Run the cells below');
  page.press('Run the cells below');
  expect(page.ran).toBe(1);
});

test('it goes when they have run', () => {
  const page = shown({ state: 'done' });
  page.view.apply({
    type: 'delta',
    id: 'turn-1',
    seq: 1,
    ops: [{ op: 'set', fields: { heldUp: ['c'] } }]
  });
  vi.runOnlyPendingTimers();
  expect(page.text(LINE)).toBe('1 cell below did not run.Run the cell below');
  page.view.show(transcript([text('Done.')], { seq: 2, heldUp: [] }));
  expect(page.node.querySelector(`${LINE}:not([hidden])`)).toBeNull();
});

test('what only the file says is not repeated', () => {
  const page = shown({ state: 'paused' }, { act: undefined });
  expect(page.text(LINE)).toBe('');
});

test('cells that are not all below are only called queued', () => {
  const run = (): Promise<void> => Promise.resolve();
  const page = shown(
    { state: 'done' },
    { cells: () => ({ count: 2, areBelow: false, run }) }
  );
  expect(page.text(LINE)).toBe(
    '2 queued cells did not run.Run the queued cells'
  );
});

test('cells that were deleted are not offered', () => {
  const page = shown({ state: 'done' }, { cells: () => null });
  expect(page.text(LINE)).toBe('');
});

test('without a notebook there is no button', () => {
  const page = shown({ state: 'done' }, { cells: undefined });
  expect(page.text(LINE)).toBe('3 cells below did not run.');
});

test('the notice says why the cells could not be run', async () => {
  const run = (): Promise<void> => Promise.reject(new Error('No kernel.'));
  const page = shown(
    { state: 'done' },
    { cells: () => ({ count: 3, areBelow: true, run }) }
  );
  page.press('Run the cells below');
  await page.wait(0);
  expect(page.text(`${LINE} [role=alert]`)).toBe('No kernel.');
});
