import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { IRequest } from '../protocol/document';
import { isHeld, Page } from '../testing/page';
import {
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

function asked(
  fields: Partial<IRequest> = {},
  host: ConstructorParameters<typeof Page>[1] = {}
): Page {
  return new Page(transcript([pending(fields)], { state: 'paused' }), host);
}

test('it says what is asked, of which tool, and where that comes from', () => {
  const page = asked();
  expect(page.text('.llm-ask-band')).toBe(
    'Waiting for your approvalNothing has run. The cell has ended; take your time.'
  );
  expect(page.text('.llm-ask-tool')).toBe('Mail.send');
  expect(page.text('.llm-ask-origin')).toContain('llm-tools-mail 0.3.1');
  expect(page.text('.llm-ask-why')).toBe(
    'The tool says: “Sends one message to an address outside your organisation.”'
  );
  expect(page.text('caption')).not.toContain('digest');
  expect(page.text('.llm-fineprint')).toContain(
    'call toolu_01Hq · digest 9f2c 41ab'
  );
});

test('the card of a tool that stopped to ask says that it has begun and what it has printed', () => {
  const block = pending();
  block.startedAt = '2026-11-24T12:00:00Z';
  block.printed = { text: 'Looking \u202efdp.exe\n<b>bold</b>' };
  const page = new Page(transcript([block], { state: 'paused' }));
  expect(page.text('.llm-ask-band')).toContain(
    'It has begun, and stopped to ask. The cell has ended'
  );
  expect(page.text('.llm-ask .llm-printed')).toContain('<b>bold</b>');
  expect(page.text('.llm-ask .llm-printed')).not.toContain('\u202e');
});

test('it takes consent only half a second after it was seen', async () => {
  const page = asked();
  page.press('Approve');
  expect(isHeld(page.button('Approve'))).toBe(true);
  expect(page.actions).toEqual([]);
  await page.wait(499);
  page.press('Approve');
  expect(page.actions).toEqual([]);
  await page.wait(1);
  expect(isHeld(page.button('Approve'))).toBe(false);
  page.press('Approve');
  expect(page.actions).toEqual([
    {
      type: 'decide',
      transcript: 'turn-1',
      request: '01K0CALL',
      digest: '9f2c41abcdef',
      shown: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      verdict: 'approved'
    }
  ]);
});

test('it is never focused by itself', async () => {
  const page = asked();
  await page.wait();
  expect(page.node.contains(document.activeElement)).toBe(false);
});

test('the first activation is the only one', async () => {
  const page = asked();
  page.outcome = () => new Promise(() => undefined);
  await page.wait();
  page.press('Approve');
  page.press('Approve');
  page.press('Deny…');
  expect(page.actions).toHaveLength(1);
  expect(page.buttons('Deny')).toHaveLength(0);
  const row = Array.from(
    page.node.querySelectorAll<HTMLButtonElement>('.llm-actions button')
  );
  expect(row.every(isHeld)).toBe(true);
  expect(page.hint).toBe('Approved. It runs as soon as the kernel is free.');
});

test('buttons are reached in reading order', () => {
  const page = asked({ params: MAIL_PARAMS });
  const labels = Array.from(page.node.querySelectorAll('.llm-ask button'))
    .filter(node => !(node as HTMLElement).closest('[hidden]'))
    .map(node => node.textContent?.trim());
  expect(labels).toEqual([
    'Show source',
    '4,812 of 5,140 characters hiddenShow all',
    'Approve',
    'Edit…',
    'Deny…',
    'Answer myself…',
    'Always allow',
    'Drop this question…'
  ]);
});

test('arguments are drawn as they are stored', () => {
  const page = asked({
    params: [
      param('to', 'a\u200b@b.example</div><script>alert(1)</script>'),
      param('na\u202eme', '[1]', { isText: false, type: 'list' })
    ]
  });
  const rows = Array.from(page.node.querySelectorAll('.llm-params tr'));
  expect(rows[0].querySelector('td')?.textContent).toBe(
    'a\\u{200b}@b.example</div><script>alert(1)</script>' +
      '1 hidden character: U+200B (zero-width space) cannot be seen. Drawn here as it is stored.'
  );
  expect(rows[1].querySelector('th')?.textContent).toBe('na\\u{202e}melist');
  expect(page.node.querySelector('script')).toBeNull();
});

test('names and sentences of others are written out, and stay text', () => {
  const page = asked({
    tool: 'send\u202e<b>',
    reason: 'Waits.” Approved by \u2066you',
    origin: ['from \u200bhere'],
    changed: 'The \u202ecode changed.'
  });
  expect(page.text('.llm-ask-tool')).toBe('send\\u{202e}<b>');
  expect(page.text('.llm-ask-why')).toContain('by \\u{2066}you');
  expect(page.text('.llm-ask-origin')).toContain('from \\u{200b}here');
  expect(page.text('.llm-ask-body > .llm-note')).toBe(
    'The \\u{202e}code changed.'
  );
});

test('what the tool says of itself and of this call are two sentences', () => {
  const both = asked({ description: 'Sends mail.', reason: 'To 3 people.' });
  const said = Array.from(
    both.node.querySelectorAll('.llm-ask-why'),
    node => node.textContent
  );
  expect(said).toEqual([
    'The tool says: “Sends mail.”',
    'It says of this call: “To 3 people.”'
  ]);
  const alone = asked({ description: 'Sends mail.', reason: '' });
  expect(alone.text('.llm-ask-why')).toBe('The tool says: “Sends mail.”');
});

test('a line break in the name of an argument is drawn', () => {
  const page = asked({ params: [param('cc\nbcc', 'a')] });
  expect(page.text('.llm-params th code')).toBe('cc\\nbcc');
  expect(page.text('.llm-params .llm-note')).toBe(
    'The name of this argument holds a line break, U+000A.'
  );
});

test('a destructive tool says so, and is never always allowed', async () => {
  const page = asked({ ...DESTRUCTIVE, grants: ['session'] });
  await page.wait();
  expect(page.text('.llm-ask-band')).toBe(
    'Destructive: check before you approveWaiting for your approval. Nothing has run.'
  );
  expect(page.buttons('Always allow')).toHaveLength(0);
  expect(page.hint).toBe(
    'Always allow is not offered for tools marked destructive.'
  );
});

test('a denial carries its reason', async () => {
  const page = asked();
  page.press('Deny…');
  expect(document.activeElement).toBe(page.field('Why not?'));
  page.write('Why not?', ' Keep the backup. ');
  page.press('Deny');
  expect(page.actions[0]).toMatchObject({
    verdict: 'denied',
    text: 'Keep the backup.'
  });
});

test('an answer in the place of the tool must not be empty', () => {
  const page = asked();
  page.press('Answer myself…');
  page.press('Answer');
  expect(page.actions).toEqual([]);
  page.write('Your answer', 'Free after 14:00.');
  page.key('Enter', { ctrlKey: true });
  expect(page.actions[0]).toMatchObject({
    verdict: 'answered',
    text: 'Free after 14:00.'
  });
});

test('Esc closes a drawer, keeps the draft and returns to what opened it', () => {
  const page = asked();
  page.press('Deny…');
  page.write('Why not?', 'Not yet.');
  page.key('Escape');
  expect(document.activeElement).toBe(page.button('Deny…'));
  page.press('Deny…');
  expect(page.field('Why not?').value).toBe('Not yet.');
});

test('always allowing needs the same care as approving', async () => {
  const page = asked();
  page.press('Always allow');
  page.press('In this notebook');
  expect(page.actions).toEqual([]);
  await page.wait();
  page.press('In this notebook');
  expect(page.actions[0]).toMatchObject({
    verdict: 'approved',
    grant: 'notebook'
  });
});

test('only the scopes that the kernel offers can be allowed', () => {
  const page = asked({ grants: ['cell'] });
  page.press('Always allow');
  expect(page.buttons('In this cell')).toHaveLength(1);
  expect(page.buttons('In this notebook')).toHaveLength(0);
  expect(asked({ grants: [] }).buttons('Always allow')).toHaveLength(0);
});

test('where it is not known which notebook asks, the card says that what is allowed ends with the kernel', () => {
  const page = asked({
    grants: ['cell', 'session'],
    grantsEndWithKernel: true
  });
  page.press('Always allow');
  expect(page.node.textContent).toContain('until this kernel ends');
  expect(page.node.textContent).not.toContain('after a restart');
});

test('a question is dropped only where it is meant', async () => {
  const page = asked();
  await page.wait();
  page.press('Drop this question…');
  expect(page.text('.llm-panel')).toBe(
    'Drop this question?The call will not run, and the model is not asked. The question leaves %llm pending.DropBack'
  );
  expect(document.activeElement?.textContent).toBe('Drop this question?');
  expect(page.buttons('Drop this question…')).toHaveLength(0);
  page.key('Enter');
  expect(page.actions).toEqual([]);
  page.key('Escape');
  expect(document.activeElement).toBe(page.button('Drop this question…'));
  page.press('Drop this question…');
  page.press('Back');
  expect(document.activeElement).toBe(page.button('Drop this question…'));
  page.press('Drop this question…');
  page.press('Drop');
  expect(page.actions).toMatchObject([{ verdict: 'abandoned', drop: true }]);
  expect(page.hint).toBe('Dropped as soon as the kernel is free.');
});

test('a destructive call and one of unknown outcome can be dropped too', () => {
  const page = asked({ destructive: true });
  expect(page.buttons('Drop this question…')).toHaveLength(1);
  const unknown = new Page(transcript([pending({}, 'unknown')]));
  unknown.press('Drop this question…');
  expect(unknown.text('.llm-panel')).toContain('The call will not run again');
});

test('while the cell asks by keyboard, it has not ended and takes no clicks', async () => {
  const page = new Page(
    transcript([pending()], { state: 'paused', byKeyboard: true })
  );
  await page.wait();
  expect(page.text('.llm-ask-band')).toBe(
    'Waiting for your approvalNothing has run.'
  );
  expect(page.hint).toBe('Answer in the field below: this cell waits for it.');
  for (const label of ['Approve', 'Deny…', 'Drop this question…']) {
    expect(isHeld(page.button(label))).toBe(true);
  }
  page.view.show(transcript([pending()], { state: 'paused', seq: 1 }));
  expect(page.text('.llm-ask-band')).toContain('The cell has ended');
});

test('while other calls of the turn run, the cell has not ended', () => {
  const page = new Page(transcript([pending()], { state: 'streaming' }));
  expect(page.text('.llm-ask-band')).not.toContain('ended');
});

test('the source of the tool can be shown', () => {
  const page = asked();
  page.press('Show source');
  expect(page.node.textContent).toContain('mail.py, line 12');
  expect(page.button('Hide source').getAttribute('aria-expanded')).toBe('true');
});

test('a call whose outcome is unknown is asked about, not run again', async () => {
  const startedAt = new Date(2025, 0, 1, 12, 44).toISOString();
  const block = { ...pending({}, 'unknown'), startedAt };
  const page = new Page(transcript([block], { state: 'paused' }));
  expect(page.text('.llm-ask-band')).toBe(
    'Outcome unknown: did this run?Started 2025-01-01 12:44; no end is recorded.'
  );
  expect(page.buttons('Approve')).toHaveLength(0);
  page.press('It did not run');
  expect(page.actions).toEqual([]);
  await page.wait();
  page.press('I cannot tell');
  expect(page.actions[0]).toMatchObject({ verdict: 'abandoned' });
});

test.each([
  ['It did not run', { verdict: 'approved' }],
  ['It ran…', { verdict: 'answered', text: 'It was sent.' }]
])('of an unknown outcome one says: %s', async (label, action) => {
  const page = new Page(transcript([pending({}, 'unknown')]));
  await page.wait();
  page.press(label);
  if (label.endsWith('…')) {
    page.write('What came of it?', 'It was sent.');
    page.press('Answer');
  }
  expect(page.actions[0]).toMatchObject(action);
});

test('a card is named by what is asked and by the tool', () => {
  const page = asked();
  const card = page.node.querySelector('.llm-ask')!;
  const names = card.getAttribute('aria-labelledby')!.split(' ');
  expect(names.map(id => document.getElementById(id)?.textContent)).toEqual([
    'Waiting for your approval',
    'Mail.send'
  ]);
  expect(card.getAttribute('role')).toBe('group');
});
