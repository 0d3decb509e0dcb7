import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { IRequest } from '../../protocol/document';
import { Page } from '../../testing/page';
import { MAIL_PARAMS, param, pending, transcript } from '../../testing/samples';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const WHOLE = 'The whole of it.\n'.repeat(400);

function asked(
  fields: Partial<IRequest> = {},
  host: ConstructorParameters<typeof Page>[1] = {}
): Page {
  return new Page(transcript([pending(fields)], { state: 'paused' }), host);
}

test('a long value holds consent back until it was opened and seen', async () => {
  const value = vi.fn(() => Promise.resolve(WHOLE));
  const page = asked({ params: MAIL_PARAMS }, { value });
  await page.wait();
  page.press('Approve');
  expect(page.actions).toEqual([]);
  expect(page.hint).toBe('Approve waits until you have opened all of body.');
  page.press('4,812 of 5,140 characters hiddenShow all');
  await page.wait(0);
  expect(value).toHaveBeenCalledWith('01K0CALL', 'body');
  expect(page.text('.llm-params .llm-long')).toBe(
    WHOLE.replace(/\s+/g, ' ').trim()
  );
  page.press('Approve');
  expect(page.actions).toEqual([]);
  await page.wait();
  expect(page.hint).toBe('You have seen every argument.');
  page.press('Approve');
  expect(page.actions).toHaveLength(1);
});

test('a value of many lines shows the first ones, and a click shows all', async () => {
  const lines = Array.from({ length: 60 }, (_, at) => `line ${at}`);
  const head = lines.slice(0, 20).join('\n');
  const whole = lines.join('\n');
  const cut = {
    at: head.length,
    hidden: whole.length - head.length,
    total: whole.length,
    lines: { hidden: 40, total: 60 }
  };
  const page = asked(
    { params: [param('script', head, { cut })] },
    { value: () => Promise.resolve(whole) }
  );
  await page.wait();
  page.press('Approve');
  expect(page.actions).toEqual([]);
  expect(page.hint).toBe('Approve waits until you have opened all of script.');
  page.press('40 of 60 lines hiddenShow all 60 lines');
  await page.wait();
  page.press('Approve');
  expect(page.actions).toHaveLength(1);
});

test('a long value that cannot be had says why, and can be asked for again', async () => {
  let fails = true;
  const value = (): Promise<string> =>
    fails
      ? Promise.reject(new Error('The kernel is busy.'))
      : Promise.resolve(WHOLE);
  const page = asked({ params: MAIL_PARAMS }, { value });
  await page.wait();
  page.press('4,812 of 5,140 characters hiddenShow all');
  await page.wait(0);
  expect(page.text('.llm-cut')).toContain('The kernel is busy.');
  fails = false;
  page.node.querySelector<HTMLButtonElement>('.llm-cut')!.click();
  await page.wait(0);
  expect(page.node.querySelector('.llm-cut')).toBeNull();
});

test('a value of a megabyte is shown as a whole, and approved as it is', async () => {
  const text = 'x'.repeat(500_000) + '\u202e'.repeat(500_000);
  const params = [
    param('body', text.slice(0, 1200) + text.slice(-400), {
      cut: { at: 1200, hidden: 998_400, total: 1_000_000 }
    })
  ];
  const page = asked({ params }, { value: () => Promise.resolve(text) });
  page.node.querySelector<HTMLButtonElement>('.llm-cut')!.click();
  await page.wait(1000);
  const shown = page.node.querySelector('.llm-params .llm-long')!;
  const whole = `${'x'.repeat(500_000)}\\u{202e} × 500,000`;
  expect(shown.textContent === whole).toBe(true);
  page.press('Approve');
  expect(page.actions[0]).not.toHaveProperty('arguments');
});
