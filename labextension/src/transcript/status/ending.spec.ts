import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Page } from '../testing/page';
import { pending, text, transcript } from '../testing/samples';
import { STATES } from '../testing/states';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
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

test('what a remark says to type is shown as code', () => {
  const remarks = ['It was left in `%llm pending` <b>here</b>.'];
  const page = new Page(transcript([pending()], { state: 'paused', remarks }));
  expect(page.text('.llm-remark')).toBe(
    'It was left in %llm pending <b>here</b>.'
  );
  expect(page.text('.llm-remark code')).toBe('%llm pending');
});

test('a remark with something to type or a new name has a glyph', () => {
  const remarks = [
    'In Python: `llm.pending()`.',
    '`lighthouse` is the picture at full size.',
    'This is what has arrived.'
  ];
  const page = new Page(transcript([text('Hi')], { remarks }));
  const glyphs = [...page.node.querySelectorAll('.llm-remark')].map(remark => {
    const line = remark.closest('.llm-row');
    return line && line.querySelector('.llm-glyph')!.className;
  });
  expect(glyphs).toEqual(['llm-glyph', 'llm-glyph llm-is-ok', null]);
});
