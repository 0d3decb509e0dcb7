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

test('an interrupted answer can be continued or started over, once', async () => {
  const page = new Page(STATES.interrupted);
  expect(page.text('.llm-ended')).toContain(
    'Stopped by you after 4.2 s. The answer is incomplete; 32 words are kept.'
  );
  page.press('Continue');
  page.press('Start over');
  expect(page.actions).toEqual([{ type: 'continue', transcript: 'turn-1' }]);
});

test('nobody has stopped a turn that ended with a refusal', () => {
  const blocks = STATES.decided.blocks.filter(block => block.kind === 'call');
  const page = new Page({ ...STATES.decided, blocks, state: 'interrupted' });
  expect(page.text('.llm-ended')).toContain('Ended before the model went on.');
  expect(page.text('.llm-ended')).not.toContain('after');
});

test('a turn at the limit of its answers continues with a click', () => {
  const page = new Page(STATES.limit);
  expect(page.text('.llm-ended')).toBe(
    'Paused after 5 answers in a row' +
      'That is the limit of this cell (--cl 5). The model asked for another call, which has not run.' +
      'Continue for 5 more'
  );
  page.press('Continue for 5 more');
  expect(page.actions).toEqual([{ type: 'continue', transcript: 'turn-1' }]);
});

test.each([
  [{ answers: 1, calls: 1 }, 'Paused after 1 answer in a row'],
  [{ answers: 2, calls: 3 }, 'asked for 3 more calls, which have not run.'],
  [{ answers: 2, calls: 0 }, 'The provider was still at work with its own']
])('the limit is told in words that fit %j', (limit, said) => {
  const page = new Page({ ...STATES.limit, limit });
  expect(page.text('.llm-ended')).toContain(said);
});

test('without a kernel, the limit has no button', () => {
  const page = new Page(STATES.limit, { act: undefined });
  expect(page.text('.llm-ended')).toContain('Paused after 5 answers');
  expect(page.node.querySelectorAll('.llm-ended button')).toHaveLength(0);
});

test('a call whose question is asked inside it says that it waits for that', () => {
  const page = new Page(STATES.suspended);
  expect(page.text('.llm-transcript')).toContain('waits for its question');
  expect(page.text('.llm-ask')).toContain(
    'asked inside summarise_all, which claude-sonnet-4-5 called'
  );
});

test('an error says what to do, and a click copies it', () => {
  const copy = vi.fn();
  const page = new Page(STATES.error, { copy });
  expect(page.text('[role=alert]')).toContain('No key for Anthropic');
  page.node.querySelector<HTMLButtonElement>('.llm-choice')!.click();
  expect(copy).toHaveBeenCalledWith('%llm keys set anthropic');
});

test('the answer is copied as it was written, without reasoning and calls', () => {
  const copy = vi.fn();
  const page = new Page(STATES.record, { copy });
  page.press('Copy answer');
  expect(copy).toHaveBeenCalledWith(
    'In euros the dip is milder: **−9.2 %** instead of −13.6 %. About four points of the difference are the exchange rate.'
  );
});

test('below a finished answer stand its model and a button to copy it', () => {
  const copy = vi.fn();
  const page = new Page(transcript([text('Yes.')]), { copy });
  expect(page.text('.llm-facts')).toBe('claude-sonnet-4-5');
  page.press('Copy answer');
  expect(copy).toHaveBeenCalledWith('Yes.');
});

test.each(['interrupted', 'failed', 'paused'] as const)(
  'a foot with the model and Copy is there when an answer is %s, too',
  state => {
    const copy = vi.fn();
    const page = new Page(transcript([text('So far')], { state }), { copy });
    expect(page.text('.llm-facts')).toBe('claude-sonnet-4-5');
    page.press('Copy answer');
    expect(copy).toHaveBeenCalledWith('So far');
  }
);

test.each(['waiting', 'streaming'] as const)(
  'there is no foot while an answer is %s',
  state => {
    const page = new Page(transcript([text('So far')], { state }));
    expect(page.node.querySelector('.llm-foot')).toBeNull();
  }
);

test('a picture alone has a foot with its model', () => {
  const page = new Page(STATES.picture);
  expect(page.text('.llm-facts')).toBe('claude-sonnet-4-5');
});

test('an answer that was cut at the token limit can be continued or started over, once', () => {
  const page = new Page(STATES.cut);
  expect(page.text('.llm-ended')).toContain(
    'Cut at the token limit. The end of the answer is missing.'
  );
  expect(page.text('.llm-ended')).toContain('Start over');
  page.press('Continue');
  page.press('Start over');
  expect(page.actions).toEqual([{ type: 'continue', transcript: 'turn-1' }]);
  expect(page.text('.llm-foot')).toContain('Copy answer');
});

test('without a kernel, a cut has no button', () => {
  const page = new Page(STATES.cut, { act: undefined });
  expect(page.text('.llm-ended')).toContain('Cut at the token limit.');
  expect(page.node.querySelectorAll('.llm-ended button')).toHaveLength(0);
});

test('an answer broke off only where it had begun', () => {
  const begun = new Page(transcript([text('So far')], { state: 'failed' }));
  expect(begun.text('.llm-ended')).toContain(
    'The answer broke off after 18.4 s. The answer is incomplete; 2 words are kept.'
  );
  const page = new Page(transcript([], { state: 'failed' }));
  expect(page.text('.llm-ended')).toBe('No answer came. Start over');
});

test('an empty answer is reported as such', () => {
  const page = new Page(transcript([text(' ')]));
  expect(page.text('.llm-remark')).toBe(
    'claude-sonnet-4-5 gave an empty answer.'
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

test('what a remark says to type is shown as code', () => {
  const remarks = ['It was left in `%llm pending` <b>here</b>.'];
  const page = new Page(paused([pending()], { remarks }));
  expect(page.text('.llm-remark')).toBe(
    'It was left in %llm pending <b>here</b>.'
  );
  expect(page.text('.llm-remark code')).toBe('%llm pending');
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
