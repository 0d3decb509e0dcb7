import { createHash } from 'node:crypto';

import { expect, test } from 'vitest';

import { displayedDigest, sha256 } from './digest';
import { pending } from '../testing/samples';
import { isPending } from '../drawing/layout';

const sum = (text: string): string => sha256(new TextEncoder().encode(text));

test('it is SHA-256, whatever the length', () => {
  for (const many of [0, 1, 55, 56, 63, 64, 65, 119, 128, 1000, 300_001]) {
    const text = 'ä'.repeat(many);
    expect(sum(text)).toBe(createHash('sha256').update(text).digest('hex'));
  }
});

function ofSample(change: (block: ReturnType<typeof pending>) => void): string {
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
  const changes: ((block: ReturnType<typeof pending>) => void)[] = [
    block => (block.status = 'unknown'),
    block => (block.note = 'A hook changed the arguments.'),
    block => (block.printed = { text: 'Looking.\n' }),
    block => (block.printed = { text: 'Looking..\n' }),
    block =>
      (block.printed = { text: 'Looking.\n', cut: { at: 3, hidden: 5 } }),
    block => (block.request!.id += 'x'),
    block => (block.request!.digest += 'x'),
    block => (block.request!.tool += 'x'),
    block => (block.request!.destructive = true),
    block => (block.request!.reason = ''),
    block => (block.request!.description = 'Sends.'),
    block => (block.request!.changed = 'Its code changed.'),
    block => block.request!.origin.push('x'),
    block => (block.request!.source = null),
    block => (block.request!.source!.code += ' '),
    block => block.request!.grants.pop(),
    block => (block.request!.params[0].name = 'x'),
    block => (block.request!.params[0].type = 'x'),
    block => (block.request!.params[0].text += ' '),
    block => (block.request!.params[0].isText = false),
    block => (block.request!.params[0].description = 'x'),
    block => block.request!.params.pop()
  ];
  const digests = [() => undefined, ...changes].map(ofSample);
  expect(new Set(digests).size).toBe(changes.length + 1);
});
