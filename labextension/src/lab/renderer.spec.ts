import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { expect, test, vi } from 'vitest';

import { MIME_TYPE } from '../transcript';
import type { IHost, ITranscript } from '../transcript';
import { pending } from '../transcript/testing/samples';
import { KernelBus } from './kernel/bus';
import type { IPlace, Rescue } from './notebook/place';
import { TranscriptRenderer } from './renderer';
import { appended, FakeKernel, settled, transcript } from './testing/fakes';

// Lumino subclasses an event that jsdom does not have.
vi.hoisted(() => {
  Object.assign(globalThis, { DragEvent: MouseEvent });
});

/** An output of a notebook, which is rendered again when its data change. */
class Output {
  readonly trusted = false;
  readonly metadata = {};
  readonly writes: unknown[] = [];
  renderer: TranscriptRenderer | null = null;

  constructor(public data: IRenderMime.IMimeModel['data']) {}

  setData(options: IRenderMime.IMimeModel.ISetDataOptions): void {
    this.data = options.data ?? this.data;
    this.writes.push(this.data);
    void this.renderer?.renderModel(this);
  }
}

class Place implements IPlace {
  readonly changed = new Signal<this, void>(this);
  bus: KernelBus | null = null;
  ran = false;
  readonly rescued: ITranscript[] = [];

  connect(kernel: FakeKernel): void {
    this.bus = new KernelBus(kernel.connection);
    this.bus.changed.connect(() => this.changed.emit());
    this.changed.emit();
  }

  host(id: string): IHost {
    return this.bus?.store.isFromKernel(id)
      ? { act: () => Promise.resolve() }
      : { blocked: 'No.', live: Boolean(this.bus) };
  }

  ranHere(): boolean {
    return this.ran;
  }

  rescuer(): Rescue {
    return document => this.rescued.push(document);
  }
}

function bundle(document: ITranscript): IRenderMime.IMimeModel['data'] {
  return { [MIME_TYPE]: document as never, 'text/plain': 'as text' };
}

function shown(
  document: ITranscript,
  kernel: FakeKernel | null = new FakeKernel()
): { output: Output; place: Place; text: () => string } {
  const output = new Output(bundle(document));
  const place = new Place();
  if (kernel) {
    place.connect(kernel);
  }
  const renderer = new TranscriptRenderer(place);
  output.renderer = renderer;
  void renderer.renderModel(output);
  Widget.attach(renderer, window.document.body);
  return { output, place, text: () => renderer.node.textContent ?? '' };
}

const said = (text: string): ITranscript['blocks'] => [{ kind: 'text', text }];

test('a live answer is shown as it grows, and the notebook is not touched', async () => {
  const kernel = new FakeKernel();
  const { output, text } = shown(transcript(), kernel);
  kernel.opens('c1');
  kernel.says('c1', appended(1, 'Once upon'));
  await expect.poll(text).toContain('Once upon');
  expect(output.writes).toEqual([]);
});

test('a record is written into the notebook, once', () => {
  const kernel = new FakeKernel();
  const { output, text } = shown(transcript({ state: 'paused' }), kernel);
  kernel.opens('c1');
  const document = transcript({ seq: 5, state: 'done', blocks: said('All.') });
  const record = {
    type: 'record' as const,
    document,
    bundle: bundle(document)
  };
  kernel.says('c1', record);
  kernel.says('c1', record);
  expect(output.writes).toEqual([bundle(document)]);
  expect(text()).toContain('All.');
});

test('a record that the notebook holds already does not touch it', () => {
  const kernel = new FakeKernel();
  const document = transcript({ seq: 5, state: 'done', blocks: said('All.') });
  const { output } = shown(document, kernel);
  kernel.opens('c1');
  kernel.says('c1', {
    type: 'record',
    document: JSON.parse(JSON.stringify(document)),
    bundle: bundle(document)
  });
  expect(output.writes).toEqual([]);
});

test('the record of a long answer is asked for only if the notebook does not hold it', () => {
  const kernel = new FakeKernel();
  const document = transcript({ seq: 5, state: 'done', blocks: said('All.') });
  const { output } = shown(document, kernel);
  kernel.opens('c1');
  const asked = { type: 'resync', id: 't1', record: true };
  kernel.says('c1', { type: 'settled', id: 't1', seq: 5 });
  expect(kernel.sent).not.toContainEqual(asked);
  kernel.says('c1', { type: 'settled', id: 't1', seq: 6 });
  expect(kernel.sent.filter(one => one.type === 'resync')).toEqual([asked]);
  const record = bundle({ ...document, seq: 6, blocks: said('All of it.') });
  kernel.says('c1', {
    type: 'record',
    document: record[MIME_TYPE] as never,
    bundle: record
  });
  expect(output.writes).toEqual([record]);
});

test('a page that was loaded while the kernel finished asks for the record that the notebook lacks, once', async () => {
  const kernel = new FakeKernel();
  kernel.open = ['c1'];
  const document = transcript({ seq: 3, blocks: said('Half') });
  const { output } = shown(document, kernel);
  await settled();
  const done = transcript({
    seq: 9,
    state: 'done',
    blocks: said('Half and whole')
  });
  const records = (): unknown[] => kernel.sent.filter(one => 'record' in one);
  expect(records()).toEqual([]);
  kernel.says('c1', { type: 'state', document: done });
  kernel.says('c1', { type: 'state', document: done });
  expect(records()).toEqual([{ type: 'resync', id: 't1', record: true }]);
  const record = bundle(done);
  kernel.says('c1', { type: 'record', document: done, bundle: record });
  kernel.says('c1', { type: 'state', document: done });
  expect(output.writes).toEqual([record]);
  expect(records()).toHaveLength(1);
});

test('without a kernel a saved answer is at rest, and comes alive with one', async () => {
  const { place, output, text } = shown(
    transcript({ blocks: said('Half an') }),
    null
  );
  expect(text()).toContain('The kernel stopped');
  const kernel = new FakeKernel();
  kernel.open = ['c1'];
  place.connect(kernel);
  await settled();
  expect(kernel.sent).toContainEqual({ type: 'resync', id: 't1' });
  kernel.says('c1', {
    type: 'state',
    document: transcript({ seq: 9, blocks: said('Half an answer') })
  });
  expect(text()).toContain('Half an answer');
  expect(text()).not.toContain('The kernel stopped');
  expect(output.writes).toEqual([]);
});

test('an open question is asked about where the cell was not run on this page', async () => {
  const kernel = new FakeKernel();
  const place = new Place();
  place.connect(kernel);
  kernel.opens('c1');
  for (const ran of [true, false]) {
    place.ran = ran;
    const id = ran ? 'ran here' : 'reopened';
    const renderer = new TranscriptRenderer(place);
    void renderer.renderModel(
      new Output(bundle(transcript({ id, state: 'paused' })))
    );
    Widget.attach(renderer, window.document.body);
  }
  expect(kernel.sent.slice(1)).toEqual([{ type: 'resync', id: 'reopened' }]);
});

test('what had arrived when the kernel died is kept in the notebook', () => {
  const kernel = new FakeKernel();
  const { output, text } = shown(transcript(), kernel);
  kernel.opens('c1');
  kernel.says('c1', appended(1, 'Once upon'));
  kernel.statusChanged.emit('autorestarting');
  expect(text()).toContain('The kernel stopped');
  expect(output.writes).toHaveLength(1);
  expect(output.data[MIME_TYPE]).toMatchObject({
    seq: 1,
    blocks: said('Once upon')
  });
  expect(output.data['text/plain']).toBe('as text');
});

const UNREADABLE: unknown[] = [
  null,
  7,
  'text',
  [],
  {},
  { ...transcript(), version: 2 },
  { ...transcript(), id: '' },
  { ...transcript(), seq: '0' },
  { ...transcript(), blocks: {} },
  { ...transcript(), blocks: [null] },
  { ...transcript(), blocks: [{ kind: 'text' }] },
  { ...transcript(), blocks: [{ kind: 'call', status: 'waiting' }] },
  { ...transcript(), footer: [{}] },
  { ...transcript(), error: 'x' },
  { ...transcript(), remarks: 'x' },
  {
    ...transcript(),
    more: JSON.parse('['.repeat(200) + ']'.repeat(200)) as unknown
  },
  ...['origin', 'params', 'grants', 'digest', 'reason', 'destructive'].map(
    name => {
      const block = pending({ [name]: name === 'params' ? [{}] : undefined });
      return { ...transcript(), blocks: [block] };
    }
  )
];

test.each(UNREADABLE)(
  'what cannot be read is one quiet line: %j',
  async document => {
    const { output, text, place } = shown(document as ITranscript);
    const line = 'An answer was saved here that this version cannot read.';
    expect(text()).toBe(line);
    place.changed.emit();
    expect(text()).toBe(line);
    // It may be replaced by what can be read, and the other way round.
    await output.renderer?.renderModel(
      new Output(bundle(transcript({ blocks: said('All.') })))
    );
    expect(text()).toContain('All.');
    await output.renderer?.renderModel(output);
    expect(text()).toBe(line);
  }
);

test('only the kernel’s word brings buttons', () => {
  const kernel = new FakeKernel();
  const asked = transcript({ state: 'paused', blocks: [pending()] });
  const { place, output } = shown(asked, kernel);
  const cards = (): number =>
    output.renderer!.node.querySelectorAll('.llm-ask').length;
  kernel.opens('c1');
  expect(cards()).toBe(0);
  kernel.says('c1', { type: 'delta', id: 't1', seq: 1, ops: [] });
  expect(cards()).toBe(0);
  kernel.says('c1', { type: 'state', document: { ...asked, seq: 1 } });
  expect(cards()).toBe(1);
  void output.renderer!.renderModel(
    new Output(bundle({ ...asked, seq: 5, model: 'another' }))
  );
  expect(cards()).toBe(0);
  kernel.says('c1', { type: 'state', document: { ...asked, seq: 2 } });
  expect(cards()).toBe(1);
  kernel.statusChanged.emit('restarting');
  expect(cards()).toBe(0);
  expect(place.bus?.state).toBe('absent');
});

test.each([
  ['streaming', 1],
  ['done', 0]
] as const)(
  'an answer that is cleared away while it is %s comes back %i times, as far as it is by then',
  async (state, times) => {
    const kernel = new FakeKernel();
    const document = transcript({ state, blocks: said('So far') });
    const { output, place } = shown(document, kernel);
    await settled();
    const store = place.bus!.store;
    output.renderer!.dispose();
    store.receive({ type: 'state', document: { ...document, seq: 9 } });
    await vi.waitFor(() => expect(place.rescued).toHaveLength(times));
    expect(place.rescued.map(({ seq }) => seq)).toEqual(times ? [9] : []);
  }
);
