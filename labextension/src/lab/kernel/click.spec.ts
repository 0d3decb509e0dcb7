import type { OutputArea } from '@jupyterlab/outputarea';
import { expect, test } from 'vitest';

import type { Action, ICallBlock, ITranscript } from '../../transcript';
import { Clicks, lineOf } from './click';
import type { IArea, IDecided, ITarget } from './click';
import { FakeKernel, settled, transcript } from '../testing/fakes';

const APPROVE: Action = {
  type: 'decide',
  transcript: 't1',
  request: 'r1',
  shown: 's',
  digest: 'd',
  verdict: 'approved'
};

const QUESTION = {
  kind: 'call',
  callId: 'c',
  name: 'f',
  arguments: '{}',
  status: 'waiting',
  request: { id: 'r1' }
} as ICallBlock;

/** An output area with one output. */
class Area {
  attached: unknown = null;
  outputs: unknown[] = ['the transcript'];
  readonly model = {
    toJSON: () => [...this.outputs],
    fromJSON: (outputs: unknown[]) => (this.outputs = outputs)
  };

  get future(): unknown {
    return this.attached;
  }

  set future(value: unknown) {
    this.attached = value;
    this.outputs = [];
  }

  reattachFuture? = (future: unknown): void => {
    this.attached = future;
  };
}

class Cell {
  readonly kernel = new FakeKernel();
  readonly area = new Area();
  readonly prompts: (string | undefined)[] = [];
  readonly below: string[] = [];
  readonly clicks = new Clicks();
  document: ITranscript = transcript({ state: 'paused', blocks: [QUESTION] });

  click(action = APPROVE): Promise<void> {
    const target = {
      kernel: this.kernel,
      area: this.area as unknown as IArea,
      cellId: 'cell 1',
      prompt: (text?: string) => this.prompts.push(text),
      insertBelow: (code: string) => this.below.push(code),
      document: () => this.document
    };
    return this.clicks.perform(action, target as unknown as ITarget & IDecided);
  }

  decided(): void {
    const decision = { verdict: 'approved' as const, by: 'you', at: '' };
    const block = { ...QUESTION, status: 'running' as const, decision };
    this.document = { ...this.document, blocks: [block] };
  }
}

test('a click runs in the cell, after what it shows', async () => {
  const cell = new Cell();
  const clicked = cell.click();
  await settled();
  const [future] = cell.kernel.executed;
  expect(future.content).toMatchObject({
    store_history: false,
    allow_stdin: true,
    stop_on_error: false
  });
  expect(future.metadata).toEqual({ cellId: 'cell 1' });
  expect(cell.area.attached).toBe(future);
  expect(cell.area.outputs).toEqual(['the transcript']);
  expect(cell.prompts).toEqual(['*']);
  cell.decided();
  future.ends();
  await clicked;
  expect(cell.prompts).toEqual(['*', undefined]);
});

test('code for a new cell is put below, and nothing else is', async () => {
  const cell = new Cell();
  const clicked = cell.click();
  await settled();
  cell.decided();
  cell.kernel.executed[0].ends('ok', [
    { source: 'set_next_input', text: 'x = 1', replace: false },
    { source: 'set_next_input', text: 'instead', replace: true },
    { source: 'page', data: {} }
  ]);
  await clicked;
  expect(cell.below).toEqual(['x = 1']);
});

test('where taking a future clears the area, the outputs are put back', async () => {
  const cell = new Cell();
  cell.area.reattachFuture = undefined;
  void cell.click().catch(() => undefined);
  await settled();
  expect(cell.area.attached).toBe(cell.kernel.executed[0]);
  expect(cell.area.outputs).toEqual(['the transcript']);
});

test('a second action waits for the first, whose output it would cut off', async () => {
  const cell = new Cell();
  const first = cell.click();
  const second = cell.click({ type: 'continue', transcript: 't1' });
  await settled();
  expect(cell.kernel.executed).toHaveLength(1);
  cell.decided();
  cell.kernel.executed[0].ends();
  await first;
  await settled();
  expect(cell.kernel.executed).toHaveLength(2);
  cell.kernel.executed[1].ends();
  await second;
});

test('the code holds nothing but ASCII, on one line', () => {
  const text = 'a\nb\u202e\u2028"é"😀 {x} $HOME';
  const action: Action = { ...APPROVE, verdict: 'denied', text };
  const [act, ...more] = lineOf(action).split('\n');
  expect(act).toMatch(/^%llm act \{[\x20-\x7e]*\}$/);
  expect(more).toEqual([]);
  expect(JSON.parse(act.replace('%llm act ', ''))).toEqual(action);
});

test('a decision that was not taken can be tried again', async () => {
  const cell = new Cell();
  const clicked = cell.click();
  await settled();
  cell.kernel.executed[0].ends('error');
  await expect(clicked).rejects.toThrow('the output below says why');
});

test.each([
  ['the output below says why', 'ValueError', 'd'],
  ['does not say why', 'CellHalted', 'd'],
  ['This is asked anew', 'CellHalted', 'another']
])(
  'of a decision that was not taken it says: %s',
  async (said, ename, digest) => {
    const cell = new Cell();
    const clicked = cell.click();
    await settled();
    const request = { id: 'r1', digest } as ICallBlock['request'];
    const blocks = [{ ...QUESTION, request }];
    cell.document = { ...cell.document, blocks };
    cell.kernel.executed[0].ends('error', undefined, ename);
    await expect(clicked).rejects.toThrow(said);
  }
);

test('a decision that the kernel skipped can be tried again', async () => {
  const cell = new Cell();
  const clicked = cell.click();
  await settled();
  cell.kernel.executed[0].ends('aborted');
  await expect(clicked).rejects.toThrow('skipped');
});

test('an action fails with a sentence if the kernel dies first', async () => {
  const cell = new Cell();
  const clicked = cell.click();
  await settled();
  cell.kernel.executed[0].isCancelled();
  await expect(clicked).rejects.toThrow('went away');
  expect(cell.prompts).toEqual(['*', undefined]);
});

test('a kernel without the package says what to install, in place of a traceback', async () => {
  const cell = new Cell();
  const clicked = cell.click();
  await settled();
  const [future] = cell.kernel.executed;
  const shown = future.publishes('error', {
    ename: 'ModuleNotFoundError',
    evalue: "No module named 'llm_notebook'"
  });
  expect(shown).toBe(false);
  future.ends('error');
  await expect(clicked).rejects.toThrow('Install jupyter-llm-notebook');
});

test('errors of the tool are shown in the cell', async () => {
  const cell = new Cell();
  void cell.click().catch(() => undefined);
  await settled();
  const [future] = cell.kernel.executed;
  const content = { ename: 'ValueError', evalue: 'llm_notebook' };
  expect(future.publishes('error', content)).toBe(true);
  expect(future.publishes('stream', { text: 'x' })).toBe(true);
});

test('a cell that was run again keeps its own prompt', async () => {
  const cell = new Cell();
  const clicked = cell.click();
  await settled();
  cell.area.future = 'the run' as unknown as OutputArea['future'];
  cell.decided();
  cell.kernel.executed[0].ends();
  await clicked;
  expect(cell.prompts).toEqual(['*']);
});

test.each([
  { blocked: 'Run the cell that defines f.' },
  { blocked: 'Never said.', refused: 'Run the cell that defines f.' }
])('a decision about all says why one of them cannot be taken', async why => {
  const cell = new Cell();
  const other = {
    ...QUESTION,
    request: { id: 'r2', ...why }
  } as ICallBlock;
  cell.document = { ...cell.document, blocks: [QUESTION, other] };
  const clicked = cell.click({
    type: 'decideAll',
    transcript: 't1',
    verdict: 'approved',
    calls: ['r1', 'r2'].map(request => ({ request, digest: 'd', shown: 's' }))
  });
  await settled();
  cell.kernel.executed[0].ends();
  await expect(clicked).rejects.toThrow('Run the cell that defines f.');
});
