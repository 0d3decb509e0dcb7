import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ICallBlock, IRequest } from '../protocol/document';
import { isHeld, Page } from '../testing/page';
import {
  call,
  decided,
  DESTRUCTIVE,
  MAIL_PARAMS,
  param,
  pending,
  transcript
} from '../testing/samples';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const ask = (id: string, fields: Partial<IRequest> = {}): ICallBlock =>
  pending({ id, digest: id.repeat(8), params: [param('to', id)], ...fields });

function paused(
  blocks: ICallBlock[],
  host: ConstructorParameters<typeof Page>[1] = {}
): Page {
  return new Page(transcript(blocks, { state: 'paused' }), host);
}

const hintOf = (page: Page): string =>
  page.text('.llm-series-foot .llm-hint:not([hidden])');

const waitingFor = (page: Page): string[] =>
  Array.from(page.node.querySelectorAll('.llm-when'), node =>
    String(node.textContent)
  );

test('a line above the first card counts them, and each card says which it is', () => {
  const page = paused([ask('A'), ask('B'), ask('C')]);
  expect(page.text('.llm-head')).toBe(
    '3 calls are waiting for you. Decide them in any order; they run in the order shown.0 of 3 decided'
  );
  const [head, card] = Array.from(
    page.node.querySelectorAll('.llm-head, .llm-ask')
  );
  expect(head.className).toBe('llm-head');
  expect(card.querySelector('.llm-ask-band')?.textContent).toBe(
    'Waiting for your approval1 of 3'
  );
});

test('one question has neither a line above it nor a foot', () => {
  const page = paused([ask('A')]);
  expect(page.node.querySelector('.llm-head, .llm-series-foot')).toBeNull();
});

test('a decided row keeps its arguments and its place, and waits for the others', () => {
  const page = paused([
    decided(
      {},
      {
        status: 'approved',
        result: undefined,
        seconds: undefined,
        request: ask('A').request
      }
    ),
    call('look', { path: '/1' }, { status: 'queued' }),
    ask('B'),
    call('look', { path: '/2' }, { status: 'queued' })
  ]);
  expect(page.text('.llm-head')).toBe(
    '1 call is waiting for you. The model goes on after it.1 of 2 decided'
  );
  expect(page.text('.llm-fold')).toContain(
    'to="A" approved by you; runs when all 2 are decided'
  );
  expect(waitingFor(page).slice(1)).toEqual(['queued', 'queued behind 2 of 2']);
  expect(page.text('.llm-ask-band')).toBe('Waiting for your approval2 of 2');
  expect(page.node.querySelector('.llm-series-foot')).toBeNull();
});

test('all are approved with the digest of each, after the list was in view for a moment', async () => {
  const page = paused([ask('A'), ask('B')]);
  page.press('Approve all 2…');
  expect(page.node.querySelector('.llm-covered')).toBeNull();
  await page.wait();
  page.press('Approve all 2…');
  const listed = Array.from(page.node.querySelectorAll('.llm-covered > li'));
  expect(listed.map(line => line.textContent)).toEqual([
    '1Mail.send to="A"AAAA AAAA',
    '2Mail.send to="B"BBBB BBBB'
  ]);
  page.press('Approve 2 calls');
  expect(page.actions).toEqual([]);
  await page.wait();
  page.press('Approve 2 calls');
  page.press('Approve 2 calls');
  expect(page.actions).toEqual([
    {
      type: 'decideAll',
      transcript: 'turn-1',
      verdict: 'approved',
      calls: ['A', 'B'].map(id => ({
        request: id,
        digest: id.repeat(8),
        shown: expect.stringMatching(/^[0-9a-f]{64}$/) as string
      }))
    }
  ]);
  expect(page.buttons('Approve').every(isHeld)).toBe(true);
});

test('all wait until every long value was opened', async () => {
  const page = paused([ask('A', { params: MAIL_PARAMS }), ask('B')], {
    value: () => Promise.resolve('All of it.')
  });
  await page.wait();
  expect(hintOf(page)).toBe(
    'Approve all waits until you have opened all of body in 1 of 2.'
  );
  expect(isHeld(page.button('Approve all 2…'))).toBe(true);
  page.node.querySelector<HTMLElement>('.llm-cut')?.click();
  await page.wait(0);
  expect(isHeld(page.button('Approve all 2…'))).toBe(true);
  await page.wait();
  expect(isHeld(page.button('Approve all 2…'))).toBe(false);
  page.press('Approve all 2…');
  expect(page.text('.llm-covered')).toContain(
    'body=5,140 characters, opened by you'
  );
});

test('all wait while something is being written in one of the cards', async () => {
  const page = paused([ask('A'), ask('B')]);
  await page.wait();
  page.press('Answer myself…');
  expect(isHeld(page.button('Approve all 2…'))).toBe(true);
  expect(hintOf(page)).toContain('1 of 2 is decided');
  page.key('Escape');
  expect(isHeld(page.button('Approve all 2…'))).toBe(false);
});

test('all wait for what cannot be decided here', async () => {
  const page = paused([
    ask('A'),
    ask('B', { blocked: 'Run the cell that defines Mail.send.' })
  ]);
  await page.wait();
  expect(isHeld(page.button('Approve all 2…'))).toBe(true);
  expect(hintOf(page)).toBe(
    'Approve all waits: 2 of 2 cannot be decided here.'
  );
});

test.each([
  ['is destructive', ask('B', DESTRUCTIVE)],
  ['has changed', ask('B', { changed: 'Its code changed.' })],
  ['may have run already', { ...ask('B'), status: 'unknown' as const }]
])('what %s is not approved with the others', async (why, block) => {
  const page = paused([ask('A'), block, ask('C')]);
  await page.wait();
  expect(page.button('Approve all 3…').hidden).toBe(true);
  expect(hintOf(page)).toBe(
    `Approve all is not offered: 2 of 3 ${why}. Decide each by itself.`
  );
});

test('what may have run already is not denied with the others', () => {
  const page = paused([ask('A'), { ...ask('B'), status: 'unknown' as const }]);
  expect(page.button('Deny all…').hidden).toBe(true);
});

test('a list that can no longer be approved closes', async () => {
  const page = paused([ask('A'), ask('B')]);
  await page.wait();
  page.press('Approve all 2…');
  page.view.show(
    transcript([ask('A'), ask('B', { changed: 'Its code changed.' })], {
      state: 'paused'
    })
  );
  expect(page.node.querySelector('.llm-covered')).toBeNull();
  expect(page.button('Approve all 2…').hidden).toBe(true);
});

test('all are denied with one reason, whatever they are', async () => {
  const page = paused([ask('A'), ask('B', DESTRUCTIVE)]);
  page.press('Deny all…');
  page.write('Why not?', 'Not on Mondays.');
  page.press('Deny 2 calls');
  await page.wait(0);
  expect(page.actions).toMatchObject([
    { type: 'decideAll', verdict: 'denied', text: 'Not on Mondays.' }
  ]);
});

test('a decision that could not be sent says why, and can be tried again', async () => {
  const page = paused([ask('A'), ask('B')]);
  page.outcome = () => Promise.reject(new Error('The kernel went away.'));
  page.press('Deny all…');
  page.press('Deny 2 calls');
  await page.wait(0);
  expect(hintOf(page)).toBe('The kernel went away.');
  page.outcome = () => Promise.resolve();
  page.press('Deny 2 calls');
  expect(page.actions).toHaveLength(2);
});

test('a decision that the kernel did not take can be made again', async () => {
  const page = paused([ask('A'), ask('B'), ask('C')]);
  page.press('Deny all…');
  page.press('Deny 3 calls');
  await page.wait(0);
  const elsewhere = decided(
    { verdict: 'denied' },
    { request: ask('A').request, status: 'denied', result: undefined }
  );
  page.view.show(
    transcript([elsewhere, ask('B'), ask('C')], { state: 'paused' })
  );
  await page.wait();
  expect(page.buttons('Approve').map(isHeld)).toEqual([false, false]);
  expect(isHeld(page.button('Approve all 2…'))).toBe(false);
});

test('a decision that does not count for all questions says why', async () => {
  const page = paused([ask('A'), ask('B')]);
  page.press('Deny all…');
  page.press('Deny 2 calls');
  const refused = 'What waits is not what this page showed.';
  page.view.show(
    transcript([ask('A', { refused }), ask('B', { refused })], {
      state: 'paused',
      seq: 1
    })
  );
  expect(page.hint).toBe(refused);
  page.press('Deny 2 calls');
  expect(page.actions).toHaveLength(2);
});

test('what is left after a decision about all came too late says so', async () => {
  const page = paused([ask('A'), ask('B')]);
  page.press('Deny all…');
  page.press('Deny 2 calls');
  const elsewhere = decided(
    { verdict: 'denied' },
    { request: ask('A').request, status: 'denied', result: undefined }
  );
  const refused = 'What waits is not what this page showed.';
  const show = (left: ICallBlock, seq: number): void =>
    page.view.show(transcript([elsewhere, left], { state: 'paused', seq }));
  show(ask('B'), 1);
  expect(page.hint).not.toBe(refused);
  show(ask('B', { refused }), 2);
  expect(page.hint).toBe(refused);
  await page.wait();
  page.press('Approve');
  expect(page.actions).toHaveLength(2);
});

test('a card that was decided by itself says that the turn waits for the others', async () => {
  const page = paused([ask('A'), ask('B')]);
  await page.wait();
  page.press('Approve');
  expect(page.hint).toBe(
    'Kept as soon as the kernel is free. The turn goes on after the last decision.'
  );
  expect(isHeld(page.button('Approve all 2…'))).toBe(true);
});

test('after a decision about all the focus is on the first of them', async () => {
  const page = paused([ask('A'), ask('B')]);
  page.press('Deny all…');
  page.press('Deny 2 calls');
  const done = (id: string): ICallBlock =>
    decided(
      { verdict: 'denied' },
      { request: ask(id).request, status: 'denied' }
    );
  page.view.show(transcript([done('A'), done('B')]));
  expect(document.activeElement?.textContent).toContain('to="A"');
  await page.wait();
});

test('without a kernel there is nothing to decide about all', () => {
  const page = paused([ask('A'), ask('B')], { act: undefined });
  expect(page.node.querySelector('.llm-head, .llm-series-foot')).toBeNull();
  expect(page.node.querySelectorAll('.llm-fold')).toHaveLength(2);
});

test('Escape closes a drawer and returns to its button', async () => {
  const page = paused([ask('A'), ask('B')]);
  await page.wait();
  page.press('Approve all 2…');
  page.key('Escape');
  expect(document.activeElement).toBe(page.button('Approve all 2…'));
});

test('a screen reader says once how many wait', async () => {
  const page = new Page(transcript([], { state: 'streaming' }));
  page.view.show(transcript([ask('A'), ask('B')], { state: 'paused' }));
  await page.wait();
  expect(page.text('[role=status]')).toBe(
    '2 calls are waiting: Mail.send, Mail.send'
  );
});
