import { expect, test } from 'vitest';

import { VERSION } from '../../version';
import { KernelBus, LOAD } from './bus';
import type { Change } from './store';
import { appended, FakeKernel, settled, transcript } from '../testing/fakes';

const HELLO = { type: 'hello', by: 'extension', version: VERSION };

/** A bus that a transcript follows, and the changes that it was notified of. */
function started(kernel: FakeKernel): { bus: KernelBus; changes: Change[] } {
  const bus = new KernelBus(kernel.connection);
  const changes: Change[] = [];
  bus.store.follow(transcript(), change => {
    if (change.type !== 'asked') {
      changes.push(change);
    }
  });
  return { bus, changes };
}

test('a kernel that opens the comm is greeted, and its deltas arrive', async () => {
  const kernel = new FakeKernel();
  const { bus, changes } = started(kernel);
  await settled();
  expect(bus.state).toBe('absent');
  kernel.opens('c1');
  expect(bus.state).toBe('joined');
  expect(kernel.sent[0]).toEqual(HELLO);
  kernel.says('c1', appended(1, 'one'));
  expect(changes).toEqual([{ type: 'delta', delta: appended(1, 'one') }]);
});

test('a kernel that opens the comm says its version, which ends with it', () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  expect(bus.kernelVersion).toBeNull();
  kernel.opens('c1', { version: '0.2.0' });
  expect(bus.kernelVersion).toBe('0.2.0');
  kernel.statusChanged.emit('restarting');
  expect(bus.kernelVersion).toBeNull();
});

test('a kernel whose setting asks for the cells of the notebook says so, and takes it back', () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  kernel.opens('c1');
  expect(bus.wantsCells).toBe(false);
  kernel.says('c1', { type: 'context', wanted: true });
  expect(bus.wantsCells).toBe(true);
  kernel.says('c1', { type: 'context', wanted: false });
  expect(bus.wantsCells).toBe(false);
});

test('a comm that is opened while the kernel is asked is kept', async () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  kernel.opens('c1');
  await settled();
  expect(bus.state).toBe('joined');
});

test('after a reload the open comm is joined and asked for what can have changed', async () => {
  const kernel = new FakeKernel();
  kernel.open = ['c1'];
  const { bus } = started(kernel);
  await settled();
  expect(bus.state).toBe('joined');
  expect(kernel.sent).toEqual([HELLO, { type: 'resync', id: 't1' }]);
});

test('while a cell runs, a reloaded page joins by the messages themselves', async () => {
  const kernel = new FakeKernel();
  let answer: (open: string[]) => void = () => undefined;
  kernel.open = new Promise(resolve => (answer = resolve));
  const { bus, changes } = started(kernel);
  kernel.says('c1', appended(1, 'of nobody', 'another transcript'));
  expect(bus.state).toBe('asking');
  kernel.says('c1', appended(1, 'one'));
  expect(bus.state).toBe('joined');
  expect(changes).toHaveLength(1);
  answer(['c1']);
  await settled();
  expect(kernel.sent.filter(message => message.type === 'hello')).toHaveLength(
    1
  );
});

test('other comms are left alone', async () => {
  const kernel = new FakeKernel();
  const { changes } = started(kernel);
  kernel.publishes('comm_msg', { comm_id: 'w', data: { method: 'update' } });
  kernel.publishes('comm_msg', { comm_id: 'w', data: undefined });
  expect(changes).toEqual([]);
});

test('a connection without comms still receives messages', async () => {
  const kernel = new FakeKernel();
  kernel.handleComms = false;
  const { bus, changes } = started(kernel);
  await settled();
  kernel.says('c1', appended(1, 'one'));
  expect(changes).toHaveLength(1);
  expect(bus.state).toBe('asking');
});

test('a restart ends what was known, until the package is loaded again', async () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  kernel.opens('c1');
  kernel.says('c1', appended(1, 'one'));
  let told = 0;
  bus.changed.connect(() => told++);
  kernel.statusChanged.emit('restarting');
  expect([bus.state, told]).toEqual(['absent', 1]);
  kernel.opens('c2');
  expect([bus.state, told]).toEqual(['joined', 2]);
  expect(kernel.sent.slice(-2)).toEqual([HELLO, { type: 'resync', id: 't1' }]);
});

test('a restart by another page is noticed by the new process', async () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  await settled();
  kernel.opens('c1');
  kernel.publishes('execute_input', {});
  kernel.publishes('execute_input', {}, 'other page', 'second');
  await settled();
  expect(bus.state).toBe('absent');
});

test('an unloaded package is absent', () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  kernel.opens('c1');
  kernel.closes('c1');
  expect(bus.state).toBe('absent');
});

test('after a cut connection everything that can have changed is asked for', async () => {
  const kernel = new FakeKernel();
  started(kernel);
  kernel.opens('c1');
  kernel.open = ['c1'];
  kernel.says('c1', appended(1, 'one'));
  kernel.sent.length = 0;
  kernel.connectionStatusChanged.emit('connecting');
  kernel.connectionStatusChanged.emit('connected');
  await settled();
  expect(kernel.sent).toEqual([{ type: 'resync', id: 't1' }]);
});

test('a record is written by the page whose cell it is, and shown by all', () => {
  const kernel = new FakeKernel();
  const { changes } = started(kernel);
  kernel.opens('c1');
  const document = transcript({ seq: 1, state: 'done' });
  const record = { type: 'record' as const, document, bundle: {} };
  kernel.publishes('execute_input', {}, 'other page');
  kernel.says('c1', record, 'other page');
  expect(changes.map(change => change.type)).toEqual(['show']);
  kernel.says('c1', record);
  kernel.says('c1', record, 'this page before it was reloaded');
  expect(changes.map(change => change.type)).toEqual([
    'show',
    'show',
    'record',
    'show',
    'record'
  ]);
});

test('a long value is fetched, but not from a kernel that does not know us', async () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  await settled();
  await expect(bus.value('r1', 'path')).rejects.toThrow('The kernel went away');
  expect(kernel.executed).toEqual([]);
  kernel.opens('c1');
  const value = bus.value('r1', 'path');
  expect(kernel.sent).toContainEqual({
    type: 'value',
    request: 'r1',
    name: 'path'
  });
  kernel.says('c1', {
    type: 'value',
    request: 'r1',
    name: 'path',
    text: 'all of it'
  });
  await expect(value).resolves.toBe('all of it');
});

test('a kernel without the package loads it when it is asked, and then everything is asked for', async () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  await settled();
  const loaded = bus.load();
  expect(kernel.executed[0].content).toEqual({
    code: LOAD,
    silent: true,
    store_history: false
  });
  kernel.opens('c1');
  kernel.executed[0].ends();
  await loaded;
  expect(kernel.sent).toEqual([HELLO, { type: 'resync', id: 't1' }]);
});

test('a package that cannot be loaded is a sentence', async () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  await settled();
  const loaded = bus.load();
  kernel.executed[0].ends('error');
  await expect(loaded).rejects.toThrow('llm_notebook could not be loaded.');
});

test('the version comes with each whole document; a package that says none is older', () => {
  const kernel = new FakeKernel();
  kernel.open = ['c1'];
  const { bus } = started(kernel);
  const document = transcript({ state: 'paused' });
  kernel.says('c1', { type: 'state', document, version: '0.3.0' });
  expect(bus.kernelVersion).toBe('0.3.0');
  kernel.says('c1', { type: 'state', document });
  expect(bus.kernelVersion).toBe('older');
});

test('what is no message of ours does no harm', () => {
  const kernel = new FakeKernel();
  const { bus, changes } = started(kernel);
  kernel.opens('c1');
  for (const data of [
    { type: 'state' },
    { type: 'state', document: { ...transcript(), blocks: [{ kind: 'x' }] } },
    { type: 'delta', id: 't1', seq: 1, ops: [{ op: 'block', block: 0 }] },
    { type: 'constructor' },
    { type: 7 }
  ]) {
    kernel.says('c1', data as never);
  }
  expect([changes, bus.store.isFromKernel('t1')]).toEqual([[], false]);
});

test('a value that is not coming any more is given up with a sentence', async () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  kernel.opens('c1');
  const value = bus.value('r1', 'path');
  kernel.statusChanged.emit('autorestarting');
  await expect(value).rejects.toThrow('The kernel went away. Try again.');
});

test('what the kernel does not know is marked', () => {
  const kernel = new FakeKernel();
  const { bus, changes } = started(kernel);
  kernel.opens('c1');
  kernel.says('c1', { type: 'gone', id: 't1' });
  expect(bus.store.isGone('t1')).toBe(true);
  expect(changes).toEqual([{ type: 'gone' }]);
});

test('a page is asking only while a kernel that it can ask has not answered', async () => {
  const kernel = new FakeKernel();
  let answer: (open: string[]) => void = () => undefined;
  kernel.open = new Promise(resolve => (answer = resolve));
  const { bus } = started(kernel);
  expect(bus.isAsking).toBe(true);
  answer([]);
  await settled();
  expect(bus.isAsking).toBe(false);
  const mute = new FakeKernel();
  mute.handleComms = false;
  expect(started(mute).bus.isAsking).toBe(false);
});

test('the overview is asked for once somebody wants it, and after each cell', () => {
  const kernel = new FakeKernel();
  const { bus } = started(kernel);
  kernel.opens('c1');
  const asked = (): number =>
    kernel.sent.filter(({ type }) => type === 'overview').length;
  const idleAfter = (msg_type: string): void =>
    kernel.iopubMessage.emit({
      header: { msg_type: 'status' },
      parent_header: { msg_type },
      content: { execution_state: 'idle' }
    } as never);
  idleAfter('execute_request');
  expect(asked()).toBe(0);
  bus.overview.want();
  bus.overview.want();
  expect(asked()).toBe(1);
  idleAfter('execute_request');
  // What the question itself made the kernel do is no cell.
  idleAfter('comm_msg');
  expect(asked()).toBe(2);

  const said = {
    type: 'overview',
    default: 'm',
    models: [{ id: 'm', local: true }],
    waiting: [],
    waits: 0,
    sent: 0,
    received: 0,
    cost: ''
  } as const;
  kernel.says('c1', { ...said, models: [{ id: 7 }] } as never);
  expect(bus.overview.latest).toBeNull();
  kernel.says('c1', said as never);
  expect(bus.overview.latest?.default).toBe('m');
  kernel.statusChanged.emit('restarting');
  expect(bus.overview.latest).toBeNull();
});
