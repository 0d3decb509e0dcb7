import { expect, test } from 'vitest';

import { MIME_TYPE } from '../transcript';
import { ERROR_MIME_TYPE, hasFailed, transcriptIn, waitingIn } from './outputs';
import type { IOutputs } from './outputs';

/** Outputs with these bundles, as an output area has them. */
function outputs(...bundles: unknown[]): IOutputs {
  return {
    length: bundles.length,
    get: index => ({ type: 'display_data', data: bundles[index] })
  };
}

const error = (ename: string): object => ({
  [ERROR_MIME_TYPE]: { ename, evalue: 'no \x1b[31mred', traceback: [] },
  'application/vnd.jupyter.stderr': 'Traceback'
});

const asked = (...blocks: unknown[]): object => ({
  [MIME_TYPE]: { id: 't1', blocks }
});

test('an error can be explained, unless it explains itself', () => {
  expect(hasFailed(outputs(error('KeyError')))).toBe(true);
  for (const ename of ['KeyboardInterrupt', 'CellError', 'CellHalted']) {
    expect(hasFailed(outputs(error(ename)))).toBe(false);
  }
  expect(hasFailed(outputs({}, { [ERROR_MIME_TYPE]: null }))).toBe(false);
});

test('the last transcript is the one to continue, and a saved notebook may hold anything', () => {
  expect(transcriptIn(outputs(asked(), { [MIME_TYPE]: { id: 't2' } }))).toBe(
    't2'
  );
  expect(transcriptIn(outputs({ [MIME_TYPE]: { id: 7 } }, {}))).toBe('');
  expect(transcriptIn(undefined)).toBe('');
});

test('what waits is counted, and not what is decided', () => {
  const call = { kind: 'call', status: 'waiting', request: { id: 'r' } };
  const waiting = outputs(
    asked(call, { ...call, decision: { verdict: 'denied' } }, null),
    asked({ ...call, status: 'unknown' }, { ...call, status: 'finished' }),
    { [MIME_TYPE]: { blocks: 'many' } }
  );
  expect(waitingIn(waiting)).toBe(2);
});
