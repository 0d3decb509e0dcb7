import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ITranscript } from '../protocol/document';
import type { IJob } from '../protocol/job';
import { readTranscript } from '../protocol/reading';
import { Page } from '../testing/page';
import { transcript } from '../testing/samples';

const run = (more: Partial<IJob> = {}): IJob => ({
  state: 'running',
  count: 10000,
  done: 6412,
  failed: 12,
  title: '6,412',
  text: ' of 10,000 rows',
  facts: [{ text: '84 rows a second' }, { text: '12 failed', error: true }],
  hints: [],
  ...more
});

const shown = (
  job: IJob,
  state: ITranscript['state'] = 'streaming'
): ITranscript => transcript([], { state, job });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a running bar says how far it has come, to the eye and to a screen reader', () => {
  const page = new Page(shown(run()));
  expect(page.text('.llm-job-head')).toBe('6,412 of 10,000 rows64 %');
  const bar = page.node.querySelector('[role=progressbar]')!;
  expect(bar.getAttribute('aria-valuenow')).toBe('6412');
  expect(bar.getAttribute('aria-valuetext')).toBe(
    '6,412 of 10,000 rows, 64 per cent'
  );
  expect(page.text('.llm-facts')).toBe('84 rows a second12 failed');
  expect(page.node.textContent).not.toContain('Waiting for');
  expect(page.node.firstElementChild!.getAttribute('aria-label')).toBe(
    'Run over 10,000 rows'
  );
});

test('a spinner keeps turning while numbers change', async () => {
  const page = new Page(shown(run()));
  const spinner = page.node.querySelector('.llm-spin');
  page.view.show(shown(run({ done: 6500, title: '6,500' })));
  expect(page.text('.llm-strong')).toBe('6,500');
  expect(page.node.querySelector('.llm-spin')).toBe(spinner);
});

test('one click continues a stopped run', async () => {
  const stopped = run({
    state: 'stopped',
    title: 'Stopped by you',
    text: ' at 6,412 of 10,000 rows.',
    hints: ['Run the cell again: it asks only the 3,588 rows that are left.'],
    canGoOn: true
  });
  const page = new Page(shown(stopped, 'interrupted'));
  expect(page.text('.llm-hint')).toBe(
    'Or run the cell again: it asks only the 3,588 rows that are left.'
  );
  page.press('Go on');
  page.press('Go on');
  const { id } = shown(stopped);
  expect(page.actions).toEqual([{ type: 'continue', transcript: id }]);
  expect(page.text('.llm-hint')).toContain('as soon as the kernel is free');
});

test('without a kernel there is no button, and the hint stands by itself', () => {
  const page = new Page(
    shown(
      run({ state: 'stopped', hints: ['Run the cell again.'], canGoOn: true }),
      'interrupted'
    ),
    { act: undefined }
  );
  expect(page.buttons('Go on')).toEqual([]);
  expect(page.text('.llm-hint')).toBe('Run the cell again.');
});

test('a run whose kernel is gone does not seem to go on', () => {
  const page = new Page(shown(run(), 'interrupted'), { act: undefined });
  expect(page.node.querySelector('.llm-spin')).toBeNull();
  expect(page.text('.llm-job-head')).toContain(
    'Stopped at 6,412 of 10,000 rows, when its kernel stopped.'
  );
});

test('failures are listed by reason, and what servers say is shown as it is', () => {
  const reasons = [
    {
      text: 'refused by the server',
      example: '<b>no\u202e</b>',
      rows: 3,
      which: '640, 3118, 7402',
      again: '`--retry failed`'
    }
  ];
  const page = new Page(shown(run({ state: 'done', reasons }), 'done'));
  expect(page.text('.llm-fold .llm-line')).toBe('3 rows failed');
  expect(page.text('.llm-table tbody')).toContain('<b>no\\u{202e}</b>');
  expect(page.node.querySelector('.llm-table b')).toBeNull();
  expect(page.text('.llm-table code')).toBe('--retry failed');
});

test('a run that was answered before is one quiet line without a bar', () => {
  const known = run({
    state: 'known',
    title: '',
    text: 'All 3 rows were answered. Nothing was sent; `--no-resume` asks again.',
    facts: []
  });
  const page = new Page(shown(known, 'done'));
  const bar = page.node.querySelector<HTMLElement>('[role=progressbar]')!;
  expect(bar.hidden).toBe(true);
  expect(page.text('.llm-job-head code')).toBe('--no-resume');
});

test('quarters and the end are announced, and nothing in between', () => {
  const page = new Page(shown(run({ done: 2000 })));
  const said = (): string => page.text('[role=status]');
  page.view.show(shown(run({ done: 2400 })));
  expect(said()).toBe('');
  page.view.show(shown(run({ done: 5100 })));
  expect(said()).toBe('50 per cent of the rows');
  page.view.show(
    shown(run({ state: 'done', title: '10,000 rows', text: '' }), 'done')
  );
  expect(said()).toBe('10,000 rows');
});

test('what is no run is not read', () => {
  const read = (job: unknown): unknown =>
    readTranscript({ ...shown(run()), job });
  expect(read(run())).not.toBeNull();
  expect(read(null)).not.toBeNull();
  expect(read({ ...run(), facts: [{ text: 1 }] })).toBeNull();
  expect(read({ ...run(), state: 'other' })).toBeNull();
});
