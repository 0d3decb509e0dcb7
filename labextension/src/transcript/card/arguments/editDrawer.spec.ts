import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { IParam } from '../../protocol/document';
import { isHeld, Page } from '../../testing/page';
import {
  FORM_PARAMS,
  MAIL_PARAMS,
  param,
  pending,
  transcript
} from '../../testing/samples';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function editing(
  params: IParam[] = FORM_PARAMS,
  host: ConstructorParameters<typeof Page>[1] = {}
): Promise<Page> {
  const page = new Page(transcript([pending({ params })]), host);
  await page.wait();
  page.press('Edit…');
  await page.wait();
  return page;
}

test('an editor takes the place of the arguments, and its first field the focus', async () => {
  const page = await editing();
  expect(page.text('.llm-ask-band')).toBe(
    'Edit before it runsNothing has run.'
  );
  expect(document.activeElement).toBe(page.field('to'));
  const table = page.node.querySelector<HTMLElement>('.llm-params')!;
  expect(table.hidden).toBe(true);
  expect(page.text('.llm-fineprint')).toContain(
    'What this form says is what will run.'
  );
});

test('only what was changed is sent, as JSON', async () => {
  const page = await editing();
  expect(isHeld(page.button('Approve edited'))).toBe(true);
  page.write('to', 'ana@example.com');
  page.write('delay_minutes', '15');
  page.field('receipt').click();
  page.press('Approve edited');
  expect(page.actions).toMatchObject([
    {
      verdict: 'approved',
      digest: '9f2c41abcdef',
      arguments: {
        to: '"ana@example.com"',
        delay_minutes: '15',
        receipt: 'false'
      }
    }
  ]);
  expect(
    Object.keys((page.actions[0] as { arguments: object }).arguments)
  ).toEqual(['to', 'delay_minutes', 'receipt']);
});

test('what was sent stays as it was sent, until it is refused', async () => {
  const page = await editing();
  page.outcome = () => Promise.reject(new Error('It could not be sent.'));
  const locked = (): boolean[] =>
    Array.from(
      page.node.querySelectorAll<HTMLInputElement>(
        '.llm-edit :is(input, select, textarea)'
      ),
      field => field.readOnly || field.disabled
    );
  const before = locked();
  page.field('receipt').click();
  page.press('Approve edited');
  expect(locked().every(Boolean)).toBe(true);
  await page.wait();
  expect(locked()).toEqual(before);
  expect(before).toContain(false);
});

test('what does not fit cannot be sent, and says why', async () => {
  const page = await editing();
  page.write('delay_minutes', '90');
  page.press('Approve edited');
  expect(page.actions).toEqual([]);
  expect(page.text('[id$=-help].llm-is-error')).toBe('At most 60.');
  expect(page.hint).toContain('One value does not fit: delay_minutes.');
  page.write('delay_minutes', '60');
  page.press('Approve edited');
  expect(page.actions).toHaveLength(1);
});

test('a value that was written back is not changed', async () => {
  const page = await editing();
  page.write('to', 'x');
  page.write('to', 'finance@example.com');
  expect(page.hint).toContain('Nothing is changed.');
  expect(isHeld(page.button('Approve edited'))).toBe(true);
});

test('the difference stands beside the form', async () => {
  const page = await editing();
  page.write('subject', 'Q3 figures');
  expect(page.text('.llm-diff h4')).toBe('Difference 1 of 8 arguments');
  expect(page.text('.llm-diff .llm-old')).toBe('−Q3 figures \\u{202e}fdp.exe');
  expect(page.text('.llm-diff .llm-new')).toBe('+Q3 figures');
  expect(page.text('.llm-same')).toContain('Unchanged: to, body');
});

test('Esc keeps the edits', async () => {
  const page = await editing();
  page.write('to', 'ana@example.com');
  page.key('Escape');
  expect(document.activeElement).toBe(page.button('Edit…'));
  expect(page.node.querySelector<HTMLElement>('.llm-params')!.hidden).toBe(
    false
  );
  page.press('Edit…');
  expect(page.field('to').value).toBe('ana@example.com');
});

test('plain approval after closing the editor runs what was asked', async () => {
  const page = await editing();
  page.write('to', 'ana@example.com');
  page.key('Escape');
  page.press('Approve');
  expect(page.actions[0]).not.toHaveProperty('arguments');
});

test('a long value is fetched before it can be edited', async () => {
  let tell: (text: string) => void = () => undefined;
  const value = (): Promise<string> => new Promise(resolve => (tell = resolve));
  const page = await editing(MAIL_PARAMS, { value });
  page.write('to', 'ana@example.com');
  page.press('Approve edited');
  expect(page.actions).toEqual([]);
  expect(page.hint).toContain('A long value is not here yet.');
  expect(page.button('Edit as JSON').hidden).toBe(true);
  tell('The whole body.\n'.repeat(400));
  await page.wait();
  expect(page.button('Edit as JSON').hidden).toBe(false);
  page.write('body', 'Short.');
  page.press('Approve edited');
  expect(page.actions[0]).toMatchObject({
    arguments: { to: '"ana@example.com"', body: '"Short."' }
  });
});

test('a change at the end of a megabyte is sent and shown', async () => {
  const text = 'x'.repeat(1_000_000);
  const body = param('body', text.slice(0, 1600), {
    cut: { at: 1200, hidden: 998_400, total: 1_000_000 }
  });
  const page = await editing([body], { value: () => Promise.resolve(text) });
  page.write('body', text + '!');
  expect(page.text('.llm-diff ins')).toBe('!');
  page.press('Approve edited');
  expect(page.actions[0]).toMatchObject({
    arguments: { body: JSON.stringify(text + '!') }
  });
});

const json = (page: Page): HTMLTextAreaElement =>
  page.node.querySelector('textarea[aria-label="Arguments as JSON"]')!;

function writeJson(page: Page, text: string): void {
  json(page).value = text;
  json(page).dispatchEvent(new Event('input', { bubbles: true }));
}

test('all arguments can be edited as JSON, from where the fields were left', async () => {
  const page = await editing();
  page.write('to', 'ana@example.com');
  page.press('Edit as JSON');
  const given = JSON.parse(json(page).value) as Record<string, unknown>;
  expect(given.to).toBe('ana@example.com');
  delete given.priority;
  writeJson(page, JSON.stringify({ ...given, copy: ['b@example.com'] }));
  page.press('Approve edited');
  expect(page.actions[0]).toMatchObject({
    arguments: {
      to: '"ana@example.com"',
      priority: null,
      copy: '["b@example.com"]'
    }
  });
});

test.each([
  ['{"to": ', 'This is not JSON'],
  ['[1]', 'This must be one JSON object.'],
  [JSON.stringify({ delay_minutes: 90 }), 'delay_minutes: At most 60.']
])('JSON that cannot be used says why: %s', async (text, problem) => {
  const page = await editing();
  page.press('Edit as JSON');
  writeJson(page, text);
  page.press('Approve edited');
  expect(page.actions).toEqual([]);
  expect(page.hint).toContain(problem);
});

test('a number that is too long for the browser passes through as it is written', async () => {
  const id = param('id', '12345678901234567891', {
    isText: false,
    schema: { type: 'integer' }
  });
  const data = param('data', '{"a": 1.0, "b": 98765432109876543210}', {
    isText: false,
    schema: { type: 'object' }
  });
  const page = await editing([id, data]);
  page.write('id', '12345678901234567890');
  page.press('Edit as JSON');
  writeJson(page, json(page).value.replace('"b"', '"c"'));
  page.press('Approve edited');
  expect(page.actions[0]).toMatchObject({
    arguments: {
      id: '12345678901234567890',
      data: '{"a": 1.0, "c": 98765432109876543210}'
    }
  });
});

test('the difference tells a string from a number, and nothing from an empty text', async () => {
  const page = await editing([param('a', '5'), param('b', 'x')]);
  page.press('Edit as JSON');
  writeJson(page, '{"a": 5}');
  const lines = Array.from(
    page.node.querySelectorAll('.llm-diff-line'),
    line => line.textContent
  );
  expect(lines).toEqual(['−"5"', '+5', '−x', '+not given']);
});

test('JSON has hidden characters as escapes, in names too', async () => {
  const page = await editing([param('na\u202eme', 'a\u202eb')]);
  page.press('Edit as JSON');
  expect(json(page).value).toBe('{\n  "na\\u202eme": "a\\u202eb"\n}');
  expect(page.hint).toContain('Nothing is changed.');
  writeJson(page, '{"na\u202eme": "a\u202ec"}');
  page.press('Approve edited');
  expect(page.actions[0]).toMatchObject({
    arguments: { 'na\u202eme': '"a\\u202ec"' }
  });
});

test('an argument may have any name', async () => {
  const page = await editing([
    param('__proto__', 'a'),
    param('constructor', 'b')
  ]);
  page.write('__proto__', 'x');
  page.press('Approve edited');
  const { arguments: sent } = page.actions[0] as { arguments: object };
  expect(JSON.stringify(sent)).toBe('{"__proto__":"\\"x\\""}');
});
