import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { ICallBlock, ITranscript } from '../protocol/document';
import { Page } from '../testing/page';
import { call, decided, pending, text, transcript } from '../testing/samples';

const NOW = new Date(2025, 9, 6, 12, 30).getTime();
const AT = new Date(2025, 9, 6, 12, 3).toISOString();

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

function shown(
  block: ICallBlock,
  fields: Partial<ITranscript> = { state: 'streaming', seconds: 10 },
  host: ConstructorParameters<typeof Page>[1] = {}
): Page {
  const page = new Page(transcript([block], fields), host);
  const fold = page.node.querySelector('details')!;
  fold.open = true;
  fold.dispatchEvent(new Event('toggle'));
  return page;
}

const ASKED =
  'Mail.send to="finance@example.com", subject="Q3 figures \\u{202e}fdp.exe"';

const ran: Partial<ICallBlock> = { seconds: 1.4, began: 3 };

test.each<[Partial<ICallBlock>, string]>([
  [{ status: 'writing' }, 'writing'],
  [{ status: 'queued' }, 'queued'],
  [{ status: 'running', began: 7 }, 'running 3 s'],
  [{ status: 'suspended' }, 'waits for its question'],
  [{ status: 'finished', ...ran }, '1.4 s'],
  [{ status: 'failed', ...ran }, 'failed in 1.4 s'],
  [{ status: 'cancelled' }, 'cancelled'],
  [{ status: 'approved' }, 'runs next'],
  [{ status: 'unknown' }, 'outcome unknown']
])('a call of status %j says: %s', (fields, words) => {
  const page = shown(call('query', { sql: 'SELECT 1' }, fields));
  expect(page.text('summary')).toBe(`query sql="SELECT 1"${words}`);
});

test.each<[ICallBlock, string]>([
  [
    decided({ at: AT }, { status: 'running' }),
    'Mail.send approved by you, running'
  ],
  [decided({ at: AT }), 'Mail.send approved by you, ran in 1.4 s'],
  [
    decided({ at: AT, changes: [{ name: 'to', before: '"a"', after: '"b"' }] }),
    'Mail.send approved by you with 1 argument changed, ran in 1.4 s'
  ],
  [
    decided(
      { at: AT, verdict: 'denied', text: 'Keep it.' },
      { status: 'denied' }
    ),
    'Mail.send denied by you: “Keep it.”'
  ],
  [
    decided(
      { at: AT, verdict: 'answered', text: 'Free.' },
      { status: 'answered' }
    ),
    'Mail.send answered by you: “Free.”'
  ],
  [
    decided({ at: AT, grant: { id: 'g', scope: 'notebook', revoked: false } }),
    'Mail.send allowed in this notebook, ran in 1.4 s'
  ],
  [
    decided(
      { at: AT },
      { status: 'failed', seconds: 5, result: 'connection refused' }
    ),
    'Mail.send approved by you, failed after 5.0 s: connection refused'
  ],
  [
    decided({ at: AT, verdict: 'abandoned' }, { status: 'abandoned' }),
    'Mail.send outcome unknown, given up by you.'
  ],
  [
    decided(
      { at: AT, verdict: 'abandoned', dropped: true },
      { status: 'abandoned', result: 'Not run: the user dropped the question' }
    ),
    'Mail.send dropped by you. It did not run.'
  ],
  [
    decided({ at: AT }, { status: 'cancelled' }),
    'Mail.send approved by you, then cancelled. It did not run.'
  ],
  [
    decided({ at: AT }, { status: 'unknown', request: null }),
    'Mail.send approved by you. Whether it ran is not known.'
  ]
])('a decision is one honest line: %#', (block, words) => {
  const decision = words.replace('Mail.send', ASKED);
  expect(shown(block).text('summary')).toBe(`${decision}12:03`);
});

test('the line says that the model was told as soon as the model continues', () => {
  const block = decided(
    { verdict: 'abandoned' },
    { status: 'abandoned', result: 'Not known: …' }
  );
  const page = new Page(transcript([block, text('Then I stop.')]));
  expect(page.text('summary')).toContain('The model was told so.');
  page.node.querySelector('summary')!.click();
  expect(page.node.textContent).not.toContain('Returned');
});

test.each([
  [[pending()], 'queued behind the question'],
  [[pending(), pending({ id: 'b' })], 'queued behind 2 of 2'],
  [[], 'queued']
])('a queued call says what it waits for: %#', (before, words) => {
  const queued = call('list_files', {}, { status: 'queued' });
  const blocks = [...before, queued, ...(before.length ? [] : [pending()])];
  const page = new Page(transcript(blocks, { state: 'paused' }));
  expect(page.text('.llm-when')).toBe(words);
});

test('of two questions a call is queued behind those before it', () => {
  const queued = call('list_files', {}, { status: 'queued' });
  const blocks = [pending(), queued, pending({ id: 'b' })];
  const page = new Page(transcript(blocks, { state: 'paused' }));
  expect(page.text('.llm-when')).toBe('queued behind 1 of 2');
});

test('a queued call of a turn that has ended did not run', () => {
  const queued = call('list_files', {}, { status: 'queued' });
  const page = new Page(transcript([queued], { state: 'interrupted' }));
  expect(page.text('.llm-when')).toBe('did not run');
});

test('other people’s words in our line are written out', () => {
  const page = shown(
    decided(
      { at: AT, verdict: 'denied', by: 'a\u202e', text: 'x\u200b' },
      { status: 'denied', name: 'f\u2066' }
    )
  );
  expect(page.text('summary')).toBe(
    ASKED.replace('Mail.send', 'f\\u{2066}') +
      ' denied by a\\u{202e}: “x\\u{200b}”12:03'
  );
});

test('what was asked and returned is behind the line', () => {
  const page = shown(
    call('query', { sql: 'SELECT\u200b 1' }, { result: '42', ...ran })
  );
  const wells = Array.from(page.node.querySelectorAll('.llm-well'));
  expect(wells.map(well => well.textContent)).toEqual([
    'sql = "SELECT\\u{200b} 1"',
    '42'
  ]);
});

test('arguments are shown as far as they have come', () => {
  const page = shown(
    call('query', {}, { arguments: '{"sql": "SEL', status: 'writing' })
  );
  expect(page.text('.llm-args')).toBe('{"sql": "SEL');
});

test('a long result shows its beginning, and a click shows all of it', () => {
  const result = Array.from({ length: 400 }, (_, at) => `line ${at}`).join(
    '\n'
  );
  const page = shown(call('query', {}, { result, ...ran }));
  expect(page.node.textContent).toContain(
    'Returned 3,489 characters; the first 85 are shown'
  );
  expect(page.node.textContent).not.toContain('line 300');
  page.press('Show all');
  expect(page.node.textContent).toContain('line 399');
});

test('a result that was cut says how long it was', () => {
  const page = shown(
    call('query', {}, { result: 'abc', resultHidden: 10_200_000, ...ran })
  );
  expect(page.node.textContent).toContain(
    'Returned 10,200,003 characters; the first 3 are shown'
  );
});

test('markup in a result stays text', () => {
  const page = shown(
    call('f', {}, { result: '<img src=x onerror=alert(1)>', ...ran })
  );
  expect(page.node.querySelector('img')).toBeNull();
});

test('a failed tool shows the type and message of its error, and its own frames', () => {
  const failure = {
    type: 'FileNotFoundError',
    message: 'rates\u202e.csv',
    frames: 'a cell of this notebook, line 3, in read\n    open(path)'
  };
  const page = shown(
    call('read', {}, { status: 'failed', result: 'Error: x', failure, ...ran })
  );
  const wells = Array.from(page.node.querySelectorAll('.llm-well'));
  expect(wells.map(well => well.textContent)).toEqual([
    'FileNotFoundError: rates\\u{202e}.csv',
    failure.frames
  ]);
});

test('arguments that are nested very deeply are shown as they were written', () => {
  const json = `{"a": ${'['.repeat(9000)}${']'.repeat(9000)}}`;
  const page = shown(call('f', {}, { arguments: json, ...ran }));
  expect(page.text('summary')).toContain('f {"a": [[[');
  expect(page.text('.llm-well')).toBe(json);
});

test('a note of ours is shown', () => {
  const page = shown(
    call('f', {}, { note: 'A hook changed the arguments.', ...ran })
  );
  expect(page.text('.llm-fold-body .llm-note')).toBe(
    'A hook changed the arguments.'
  );
});

test('what was edited is shown as a difference', () => {
  const page = shown(
    decided({
      at: AT,
      changes: [{ name: 'to', before: '"a\u202e"', after: '"b"' }]
    })
  );
  expect(page.text('.llm-old')).toBe('−to = "a\\u{202e}"');
  expect(page.text('.llm-new')).toBe('+to = "b"');
});

test('a line break in the name of an argument makes no line of its own', () => {
  const page = shown(call('wipe', { 'path = "/tmp"\nforce': true }));
  expect(page.node.querySelector('.llm-well')!.textContent).toBe(
    'path = "/tmp"\\nforce = true'
  );
});

test('a grant can be revoked, once', async () => {
  const grant = { id: 'grant-1', scope: 'session' as const, revoked: false };
  const page = shown(decided({ at: AT, grant }));
  expect(page.node.textContent).toContain(
    'Allowed in this session at 12:03 with any arguments.'
  );
  page.press('Revoke');
  expect(page.actions).toEqual([
    { type: 'revoke', transcript: 'turn-1', grant: 'grant-1' }
  ]);
  expect(page.buttons('Revoke')).toHaveLength(0);
  const revoked = decided({ at: AT, grant: { ...grant, revoked: true } });
  expect(shown(revoked).node.textContent).toContain('Revoked.');
});

test('without a kernel a question is a line that says what to do', () => {
  const page = shown(
    pending(),
    { state: 'paused' },
    { act: undefined, blocked: undefined }
  );
  expect(page.text('summary')).toBe(
    `${ASKED} As saved; start the kernel to decide.`
  );
  expect(page.text('.llm-well')).toBe(
    'to = finance@example.com subject = Q3 figures \\u{202e}fdp.exe'
  );
});

test('what a tool prints is text in its own well, with hidden characters drawn', () => {
  const printed = { text: 'one\n<b class="llm-ask">two</b>\u202e\u001b[31m\n' };
  const page = shown(call('work', {}, { printed, result: 'done' }));
  const node = page.node.querySelector('.llm-printed')!;
  expect(node.textContent).toBe(
    'one\n<b class="llm-ask">two</b>\\u{202e}\\u{1b}[31m\n'
  );
  expect(page.node.querySelector('.llm-ask')).toBeNull();
  expect(node.getAttribute('aria-label')).toBe('Printed by work');
  expect(node.getAttribute('tabindex')).toBe('0');
});

test('a long printed text says that its middle is left out', () => {
  const printed = { text: 'begin\nend', cut: { at: 6, hidden: 12_345 } };
  const page = shown(call('work', {}, { printed }));
  const wells = Array.from(page.node.querySelectorAll('.llm-printed'));
  expect(wells.map(node => node.textContent)).toEqual(['begin\n', 'end']);
  expect(wells[0].nextElementSibling?.textContent).toBe(
    '12,345 characters are not kept'
  );
});

test('a call that prints is open while it runs, unless its reader has closed it', () => {
  const running = (text: string): ICallBlock =>
    call('work', {}, { status: 'running', printed: { text } });
  const live = { state: 'streaming' } as const;
  const page = new Page(
    transcript([call('work', {}, { status: 'running' })], live)
  );
  const fold = page.node.querySelector('details')!;
  expect(fold.open).toBe(false);
  page.view.show(transcript([running('10 %')], { ...live, seq: 1 }));
  expect(fold.open).toBe(true);
  page.view.show(transcript([running('20 %')], { ...live, seq: 2 }));
  expect(page.text('.llm-printed')).toBe('20 %');
  page.view.show(
    transcript([call('work', {}, { printed: { text: '100 %' } })], { seq: 3 })
  );
  expect(fold.open).toBe(false);
});
