// @vitest-environment node

import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import { displayedDigest, sha256 } from './digest';
import type { Change } from '../testing/changes';
import { CHANGES } from '../testing/changes';
import { pending } from '../testing/samples';
import { isPending } from '../drawing/layout';

const sum = (text: string): string => sha256(new TextEncoder().encode(text));

test('it is SHA-256, whatever the length', () => {
  for (const many of [0, 1, 55, 56, 63, 64, 65, 119, 128, 1000, 300_001]) {
    const text = 'ä'.repeat(many);
    expect(sum(text)).toBe(createHash('sha256').update(text).digest('hex'));
  }
});

function ofSample(change: Change): string {
  const block = pending();
  change(block);
  if (!isPending(block)) {
    throw new Error('It does not wait.');
  }
  return displayedDigest('turn-1', 'claude-sonnet-4-5', block);
}

test('the kernel makes the same digest', () => {
  // `tests/transcript/calls/test_displayed.py` has the same sample and the same digest.
  expect(ofSample(() => undefined)).toBe(
    'ce8a8aebe4ed0fb734f169d0cc7f4d50a04e75c6142879a11889e1370119bc83'
  );
});

test('whatever is shown is part of it', () => {
  const changes = Object.values(CHANGES);
  const digests = [() => undefined, ...changes].map(ofSample);
  const [call] = [pending()].filter(isPending);
  digests.push(displayedDigest('turn-2', 'claude-sonnet-4-5', call));
  digests.push(displayedDigest('turn-1', 'claude-haiku-4-5', call));
  expect(new Set(digests).size).toBe(changes.length + 3);
});
