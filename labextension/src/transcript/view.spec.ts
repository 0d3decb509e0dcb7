import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Block, ITranscript } from './protocol/document';
import { isHeld, Page } from './testing/page';
import {
  call,
  decided,
  pending,
  request,
  text,
  transcript
} from './testing/samples';
import { STATES } from './testing/states';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const paused = (blocks: Block[], fields: Partial<ITranscript> = {}) =>
  transcript(blocks, { state: 'paused', ...fields });

test.each(Object.keys(STATES))(
  '%s can be shown with and without a kernel',
  name => {
    const page = new Page(STATES[name]);
    expect(page.text('.llm-transcript')).not.toBe('');
    page.view.setHost({});
    expect(page.node.querySelectorAll('.llm-ask')).toHaveLength(0);
    page.view.dispose();
    expect(page.node.childElementCount).toBe(0);
  }
);

test('text that arrives is drawn with the next frame, and keeps what stands', async () => {
  const page = new Page(
    transcript([text('one\n\ntwo\n\nthree')], { state: 'streaming' })
  );
  const first = page.node.querySelector('p');
  const ops = [{ op: 'append' as const, block: 0, text: ' and four' }];
  expect(page.view.apply({ type: 'delta', id: 'turn-1', seq: 1, ops })).toBe(
    'applied'
  );
  await page.wait(100);
  expect(page.text('.llm-answer')).toBe('onetwothree and four');
  expect(page.node.querySelector('p')).toBe(first);
  expect(page.node.querySelectorAll('.llm-caret')).toHaveLength(1);
});

test('a gap is reported, and changes nothing', () => {
  const page = new Page(transcript([text('one')], { state: 'streaming' }));
  const delta = { type: 'delta' as const, id: 'turn-1', seq: 5, ops: [] };
  expect(page.view.apply(delta)).toBe('gap');
  expect(page.view.document?.seq).toBe(0);
});

test('a screen reader hears what matters, once, and no tokens', async () => {
  const page = new Page(transcript([], { state: 'waiting' }));
  const region = page.node.querySelector('[aria-live]')!;
  const said: string[] = [];
  new MutationObserver(() => said.push(region.textContent ?? '')).observe(
    region,
    {
      subtree: true,
      childList: true,
      characterData: true
    }
  );
  page.view.show(transcript([text('one')], { state: 'streaming' }));
  page.view.show(transcript([text('one two')], { state: 'streaming' }));
  page.view.show(paused([text('one two'), pending()]));
  page.view.show(paused([text('one two'), pending()]));
  await page.wait(0);
  page.view.show(transcript([text('one two'), decided({})]));
  await page.wait(0);
  expect(said).toEqual(['Waiting for approval: Mail.send', 'Answer complete']);
  expect(page.node.querySelectorAll('[aria-live]')).toHaveLength(1);
});

test('a saved transcript says nothing by itself', async () => {
  const page = new Page(paused([pending()]));
  await page.wait();
  expect(page.node.querySelector('[aria-live]')?.textContent).toBe('');
});

test('the region is busy while something may still come', () => {
  const page = new Page(transcript([text('a')], { state: 'streaming' }));
  const region = page.node.querySelector('.llm-transcript')!;
  expect(region.getAttribute('aria-busy')).toBe('true');
  page.view.show(transcript([text('a')]));
  expect(region.hasAttribute('aria-busy')).toBe(false);
  expect(region.getAttribute('aria-label')).toBe(
    'Answer from claude-sonnet-4-5'
  );
});

test('after a decision the focus goes to the line that stands where the card was', async () => {
  const page = new Page(paused([pending()]));
  await page.wait();
  page.press('Approve');
  page.view.show(paused([decided({}, { status: 'running' })]));
  expect(document.activeElement).toBe(page.node.querySelector('summary'));
  expect(page.text('summary')).toContain(' approved by you, running');
});

test('a reader who is elsewhere keeps the focus there', async () => {
  const page = new Page(paused([pending()]));
  await page.wait();
  page.view.show(paused([decided({})]));
  expect(document.activeElement).toBe(document.body);
});

test('a decision that was made elsewhere says so', async () => {
  const page = new Page(paused([pending()]));
  await page.wait();
  page.view.show(paused([decided({})]));
  expect(page.text('summary')).toContain(' approved elsewhere, ran in 1.4 s');
});

test('a double click decides one question, not the next that moves into its place', async () => {
  const [first, second] = [pending({ id: 'A' }), pending({ id: 'B' })];
  const page = new Page(paused([first, second]));
  await page.wait();
  expect(page.buttons('Approve').map(isHeld)).toEqual([false, false]);
  page.button('Approve').click();
  page.view.show(
    paused([
      decided({}, { request: request({ id: 'A' }), status: 'running' }),
      second
    ])
  );
  expect(page.buttons('Approve')).toHaveLength(1);
  page.button('Approve').click();
  expect(page.actions).toMatchObject([{ request: 'A' }]);
  await page.wait();
  page.button('Approve').click();
  expect(page.actions).toMatchObject([{ request: 'A' }, { request: 'B' }]);
});

test('several questions are counted', () => {
  const page = new Page(paused([pending({ id: 'A' }), pending({ id: 'B' })]));
  const bands = Array.from(page.node.querySelectorAll('.llm-ask-band'));
  expect(bands.map(band => band.lastElementChild?.textContent)).toEqual([
    '1 of 2',
    '2 of 2'
  ]);
});

test('drafts survive what the rest of the transcript does', async () => {
  const page = new Page(paused([pending()]));
  page.press('Deny…');
  page.write('Why not?', 'Not yet.');
  page.view.show(paused([pending()], { seq: 7, remarks: ['Asked anew.'] }));
  expect(page.field('Why not?').value).toBe('Not yet.');
  page.view.setHost({});
  expect(page.node.querySelector('.llm-ask')).toBeNull();
  expect(page.text('summary')).toContain(
    'As saved; start the kernel to decide.'
  );
  page.view.setHost({ act: () => Promise.resolve() });
  expect(page.field('Why not?').value).toBe('Not yet.');
});

test('a question that changed is a new question, which takes no consent at once', async () => {
  const page = new Page(paused([pending()]));
  await page.wait();
  page.view.show(
    paused([pending({ digest: 'another', changed: 'The code changed.' })])
  );
  expect(isHeld(page.button('Approve'))).toBe(true);
  expect(page.text('.llm-ask')).toContain('The code changed.');
});

test('reasoning is open while it is newest, unless the reader closes it', () => {
  const thinking = { kind: 'reasoning' as const, text: 'First. Then.' };
  const page = new Page(transcript([thinking], { state: 'streaming' }));
  const fold = page.node.querySelector('details')!;
  expect(fold.open).toBe(true);
  page.view.show(
    transcript([{ ...thinking, seconds: 12 }, text('a')], {
      state: 'streaming'
    })
  );
  expect(fold.open).toBe(false);
  expect(page.text('summary')).toBe('Firstthought for 12 s');
  fold.querySelector('summary')!.click();
  fold.open = true;
  page.view.show(
    transcript([{ ...thinking, seconds: 12 }, text('ab')], {
      state: 'streaming'
    })
  );
  expect(fold.open).toBe(true);
});

test('hidden reasoning has no row', () => {
  const page = new Page(
    transcript([{ kind: 'reasoning', text: '' }, text('a')], {
      hideReasoning: true
    })
  );
  expect(page.node.querySelector('details')).toBeNull();
});

test('the steps of a finished answer are one line, but decisions stay visible', () => {
  const page = new Page(
    transcript([
      { kind: 'reasoning', text: 'Hm.', seconds: 14 },
      call('query', {}, { began: 14, seconds: 2 }),
      call('read', {}, { began: 17, seconds: 1, status: 'failed' }),
      decided({}),
      text('a')
    ])
  );
  const lines = Array.from(
    page.node.querySelectorAll(':scope > div > details > summary')
  );
  expect(lines.map(line => line.textContent)).toEqual([
    'Thought for 14 s, ran 2 tool calls, 1 failed17.0 s',
    expect.stringContaining('approved by you, ran in 1.4 s')
  ]);
});

test('calls whose times overlap stand together on one scale', () => {
  const page = new Page(
    transcript(
      [
        call('a', {}, { began: 4, seconds: 1 }),
        call('b', {}, { began: 4, seconds: 2 }),
        call('c', {}, { began: 7, seconds: 1 })
      ],
      { state: 'streaming' }
    )
  );
  expect(page.text('.llm-group-head')).toBe('2 calls at once2.0 s');
  const bars = Array.from(
    page.node.querySelectorAll<HTMLElement>('.llm-span > i')
  );
  expect(bars.map(bar => bar.style.getPropertyValue('--b'))).toEqual([
    '50%',
    '0%'
  ]);
});

test('seconds are counted while something runs', async () => {
  const page = new Page(transcript([], { state: 'waiting', seconds: 3 }));
  expect(page.text('.llm-row')).toBe('Waiting for claude-sonnet-4-5, 3 s');
  await page.wait(2000);
  expect(page.text('.llm-row')).toBe('Waiting for claude-sonnet-4-5, 5 s');
});

test('a retry says why nothing arrives, and when the next attempt is', async () => {
  const page = new Page(STATES.retry);
  await page.wait(3000);
  expect(page.text('.llm-row')).toBe(
    'Too many requests (429). Trying again in 5 s. Second of four tries. No part of an answer has arrived.'
  );
});

test('a call whose question is asked inside it says that it waits for that', () => {
  const page = new Page(STATES.suspended);
  expect(page.text('.llm-transcript')).toContain('waits for its question');
  expect(page.text('.llm-ask')).toContain(
    'asked inside summarise_all, which claude-sonnet-4-5 called'
  );
});

test('keys of the notebook rest while the keyboard is in a card', () => {
  const page = new Page(paused([pending()]));
  const root = page.node.querySelector('.llm-transcript')!;
  page.button('Deny…').focus();
  expect(root.hasAttribute('data-lm-suppress-shortcuts')).toBe(true);
  page.button('Deny…').blur();
  expect(root.hasAttribute('data-lm-suppress-shortcuts')).toBe(false);
});

test('another transcript in the same place starts from scratch', () => {
  const page = new Page(paused([pending()]));
  page.press('Deny…');
  page.view.show({ ...paused([pending()]), id: 'turn-2' });
  expect(page.buttons('Approve')).toHaveLength(1);
  expect(page.node.querySelectorAll('.llm-transcript')).toHaveLength(1);
});

test('the time that a human took is not counted', () => {
  let now = 0;
  const blocks = [text('One moment.')];
  const page = new Page(transcript(blocks, { state: 'paused', seconds: 3 }), {
    live: true,
    now: () => now
  });
  now = 3_600_000;
  const running = call('delete_files', {}, { status: 'running', began: 3 });
  const fields = { state: 'streaming', seconds: 3, seq: 1 } as const;
  page.view.show(transcript([...blocks, running], fields));
  expect(page.text('.llm-when')).toBe('running 0 s');
});
