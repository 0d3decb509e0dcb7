import { expect, test } from 'vitest';

import { atRest, TranscriptStore } from './store';
import type { Change } from './store';
import { appended, transcript } from '../testing/fakes';

function following(document = transcript()): {
  store: TranscriptStore;
  asked: string[];
  changes: Change[];
} {
  const asked: string[] = [];
  const changes: Change[] = [];
  const store = new TranscriptStore(id => asked.push(id));
  store.follow(document, change => changes.push(change));
  return { store, asked, changes };
}

function textOf(store: TranscriptStore, id = 't1'): string | undefined {
  const block = store.get(id)?.blocks[0];
  return block?.kind === 'text' ? block.text : undefined;
}

test('deltas in order grow the transcript', () => {
  const { store, asked, changes } = following();
  store.receive(appended(1, 'one '));
  store.receive(appended(2, 'two'));
  expect(textOf(store)).toBe('one two');
  expect(changes.map(change => change.type)).toEqual(['delta', 'delta']);
  expect(asked).toEqual([]);
});

test('a repeated delta changes nothing', () => {
  const { store, changes } = following();
  store.receive(appended(1, 'one '));
  store.receive(appended(1, 'one '));
  expect(textOf(store)).toBe('one ');
  expect(changes).toHaveLength(1);
});

test('a gap is asked about once, and healed by the whole', () => {
  const { store, asked } = following();
  store.receive(appended(2, 'two '));
  store.receive(appended(3, 'three '));
  expect(asked).toEqual(['t1']);
  const blocks = [{ kind: 'text' as const, text: 'one two three ' }];
  store.receive({ type: 'state', document: transcript({ seq: 3, blocks }) });
  store.receive(appended(4, 'four'));
  expect(textOf(store)).toBe('one two three four');
  store.receive(appended(9, 'nine'));
  expect(asked).toEqual(['t1', 't1']);
});

test('what the kernel tells wins over what the file holds, whatever their numbers', () => {
  const { store } = following(transcript({ seq: 57 }));
  const document = transcript({ seq: 2, state: 'paused' });
  store.receive({ type: 'state', document });
  store.follow(transcript({ seq: 57 }), () => undefined);
  expect(store.get('t1')).toBe(document);
});

test('of two copies in a file the newer one is shown', () => {
  const { store } = following(transcript({ seq: 3 }));
  store.follow(transcript({ seq: 5, state: 'paused' }), () => undefined);
  expect(store.get('t1')?.state).toBe('paused');
});

test('a display update that is newer than the deltas is taken', () => {
  const { store } = following();
  store.receive(appended(1, 'one '));
  const newer = transcript({ seq: 4, state: 'done' });
  expect(store.takeReplacement(newer)).toBe(newer);
});

test('only a document that the kernel has sent whole, with its deltas, comes from the kernel', () => {
  const { store, asked } = following(transcript({ state: 'paused' }));
  expect(store.isFromKernel('t1')).toBe(false);
  store.receive(appended(1, 'one '));
  expect(store.isFromKernel('t1')).toBe(false);
  const told = transcript({ seq: 1, state: 'paused' });
  store.receive({ type: 'state', document: told });
  store.receive(appended(2, 'two'));
  expect(store.isFromKernel('t1')).toBe(true);
  store.takeReplacement(transcript({ seq: 1, state: 'paused', model: 'x' }));
  expect([store.get('t1')?.model, store.isFromKernel('t1')]).toEqual([
    'm',
    true
  ]);
  store.takeReplacement(transcript({ seq: 9, state: 'paused', model: 'x' }));
  expect([store.get('t1')?.model, store.isFromKernel('t1')]).toEqual([
    'x',
    false
  ]);
  expect(asked).toEqual(['t1']);
  store.receive({ type: 'state', document: told });
  expect(store.isFromKernel('t1')).toBe(true);
  store.requestAll();
  expect(store.isFromKernel('t1')).toBe(false);
});

test('a record is shown and handed on to be written', () => {
  const { store, changes } = following();
  const document = transcript({ seq: 1, state: 'done' });
  store.receive({ type: 'record', document, bundle: { 'text/plain': 'x' } });
  expect(changes).toEqual([
    { type: 'show', document },
    { type: 'record', document, bundle: { 'text/plain': 'x' } }
  ]);
});

test('a long document that has settled is asked for only where some of it is missing', () => {
  const { store, asked, changes } = following();
  store.receive(appended(1, 'one'));
  store.receive({ type: 'settled', id: 't1', seq: 1 });
  store.receive({ type: 'settled', id: 'another', seq: 7 });
  expect(asked).toEqual([]);
  store.receive({ type: 'settled', id: 't1', seq: 3 }, false);
  store.receive({ type: 'settled', id: 't1', seq: 3 }, false);
  expect(asked).toEqual(['t1']);
  expect(changes.map(change => change.type)).toEqual(['delta', 'settled']);
});

test('only what can change is asked about', () => {
  const asked: string[] = [];
  const store = new TranscriptStore(id => asked.push(id));
  const follow = (id: string, state: 'done' | 'paused' | 'streaming'): void => {
    store.follow(transcript({ id, state }), () => undefined);
  };
  follow('over', 'done');
  follow('paused', 'paused');
  follow('streaming', 'streaming');
  store.requestAll();
  expect(asked).toEqual(['paused', 'streaming']);
});

test('a follower that has stopped is not called again', () => {
  const store = new TranscriptStore(() => undefined);
  const changes: Change[] = [];
  const stop = store.follow(transcript(), change => changes.push(change));
  stop();
  store.receive(appended(1, 'one'));
  expect(changes).toEqual([]);
});

test('transcripts that nobody shows do not pile up', () => {
  const { store } = following();
  for (let n = 0; n < 500; n++) {
    const document = transcript({ id: `other ${n}` });
    store.receive({ type: 'state', document });
  }
  expect(store.has('t1')).toBe(true);
  expect(store.has('other 0')).toBe(false);
  expect(store.has('other 499')).toBe(true);
});

test('a transcript that nothing works at any more does not pretend to stream', () => {
  const running = {
    kind: 'call' as const,
    callId: 'c',
    name: 'f',
    arguments: '{}',
    status: 'running' as const
  };
  const rested = atRest(transcript({ blocks: [running] }));
  expect(rested.state).toBe('failed');
  expect(rested.error?.title).toContain('kernel stopped');
  expect(rested.blocks).toEqual([{ ...running, status: 'unknown' }]);
  const paused = transcript({ state: 'paused' });
  expect(atRest(paused)).toBe(paused);
});
