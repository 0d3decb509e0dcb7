import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { FromKernel, ITranscript, ToKernel } from './transcript';
import {
  MAIL_PARAMS,
  pending,
  text,
  transcript
} from './transcript/testing/samples';
import { VERSION } from './version';
import widget from './widget';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A model as anywidget passes it, with methods that act as the kernel. */
class Model {
  readonly sent: ToKernel[] = [];
  private readonly values: Record<string, unknown> = {};
  private readonly heard = new Map<string, Set<(given: never) => void>>();

  constructor(document_: ITranscript) {
    this.values.document = document_;
  }

  get(name: string): unknown {
    return this.values[name];
  }

  on(name: string, callback: (given: never) => void): void {
    this.heard.set(name, (this.heard.get(name) ?? new Set()).add(callback));
  }

  off(name: string, callback: (given: never) => void): void {
    this.heard.get(name)?.delete(callback);
  }

  send(message: ToKernel): void {
    this.sent.push(message);
  }

  set(name: string, value: unknown): void {
    this.values[name] = value;
    this.tell(`change:${name}`, undefined);
    this.tell('change', undefined);
  }

  append(seq: number, added: string): void {
    const ops = [{ op: 'append', block: 0, text: added }];
    this.set(`d${seq}`, { type: 'delta', id: 'turn-1', seq, ops });
  }

  receive(message: FromKernel): void {
    this.tell('msg:custom', message);
  }

  private tell(name: string, given: unknown): void {
    this.heard.get(name)?.forEach(callback => callback(given as never));
  }
}

function shown(document_: ITranscript): {
  model: Model;
  node: HTMLElement;
  gone: () => void;
} {
  const model = new Model(document_);
  const node = document.createElement('div');
  document.body.replaceChildren(node);
  widget.initialize({ model });
  return { model, node, gone: widget.render({ model, el: node }) };
}

const streaming = (seq = 0, so_far = 'a'): ITranscript =>
  transcript([text(so_far)], { state: 'streaming', seq });

test('it says once that somebody is here', () => {
  const { model } = shown(streaming());
  expect(model.sent).toEqual([
    { type: 'hello', by: 'widget', version: VERSION },
    { type: 'resync', id: 'turn-1' }
  ]);
});

test('a saved model shows no buttons before the kernel has sent its document', async () => {
  const asked = transcript([pending()], { state: 'paused', seq: 3 });
  const { model, node } = shown(asked);
  expect(node.querySelector('button')).toBeNull();
  expect(node.textContent).toContain('As saved.');
  model.receive({ type: 'state', document: { ...asked, seq: 1 } });
  expect(node.querySelector('.llm-ask')).not.toBeNull();
});

test('a new value of the model is the kernel’s word', () => {
  const { model, node } = shown(streaming());
  model.set('document', transcript([pending()], { state: 'paused', seq: 1 }));
  expect(node.querySelector('.llm-ask')).not.toBeNull();
});

test('a model that holds something else is one quiet line', () => {
  const { node } = shown({} as ITranscript);
  expect(node.textContent).toBe(
    'An answer was saved here that this version cannot read.'
  );
});

test('it shows the text as it arrives', async () => {
  const { model, node } = shown(streaming());
  model.append(1, 'b');
  model.append(2, 'c');
  await vi.advanceTimersByTimeAsync(100);
  expect(node.querySelector('.llm-answer')?.textContent).toBe('abc');
});

test('a second view catches up with what has come', () => {
  const { model } = shown(streaming());
  model.append(1, 'b');
  const node = document.createElement('div');
  widget.render({ model, el: node });
  expect(node.textContent).toContain('a');
});

test('what comes out of order waits for what is missing', async () => {
  const { model, node } = shown(streaming());
  model.append(2, 'c');
  await vi.advanceTimersByTimeAsync(100);
  expect(node.querySelector('.llm-answer')?.textContent).toBe('a');
  model.append(1, 'b');
  await vi.advanceTimersByTimeAsync(100);
  expect(node.querySelector('.llm-answer')?.textContent).toBe('abc');
});

test('a gap in the messages asks once for the whole', async () => {
  const { model, node } = shown(streaming());
  const late = (seq: number): FromKernel => ({
    type: 'delta',
    id: 'turn-1',
    seq,
    ops: []
  });
  model.receive({ type: 'state', document: streaming() });
  model.receive(late(3));
  model.receive(late(4));
  expect(model.sent.slice(2)).toEqual([{ type: 'resync', id: 'turn-1' }]);
  model.receive({ type: 'state', document: streaming(4, 'abcd') });
  expect(node.querySelector('.llm-answer')?.textContent).toBe('abcd');
});

test('an older whole does not take text back', () => {
  const { model, node } = shown(streaming(5, 'abcdef'));
  model.receive({ type: 'state', document: streaming(5, 'abcdef') });
  model.receive({ type: 'state', document: streaming(2, 'abc') });
  expect(node.querySelector('.llm-answer')?.textContent).toBe('abcdef');
});

/** A transcript that the kernel has told. */
function told(document_: ITranscript): ReturnType<typeof shown> {
  const all = shown(document_);
  all.model.receive({ type: 'state', document: document_ });
  all.model.sent.length = 1;
  return all;
}

test('a decision goes to the kernel', async () => {
  const { model, node } = told(transcript([pending()], { state: 'paused' }));
  await vi.advanceTimersByTimeAsync(500);
  node.querySelector<HTMLButtonElement>('.llm-primary')!.click();
  expect(model.sent[1]).toMatchObject({ type: 'decide', verdict: 'approved' });
});

test('a long value is asked of the kernel, and given up after a while', async () => {
  const { model, node } = told(
    transcript([pending({ params: MAIL_PARAMS })], { state: 'paused' })
  );
  const cut = node.querySelector<HTMLButtonElement>('.llm-cut')!;
  cut.click();
  expect(model.sent[1]).toEqual({
    type: 'value',
    request: '01K0CALL',
    name: 'body'
  });
  await vi.advanceTimersByTimeAsync(20_000);
  expect(cut.textContent).toContain(
    'The kernel is busy. Try again when it is free.'
  );
  cut.click();
  model.receive({
    type: 'value',
    request: '01K0CALL',
    name: 'body',
    text: 'The whole.'
  });
  await vi.advanceTimersByTimeAsync(0);
  expect(node.querySelector('.llm-params .llm-long')?.textContent).toBe(
    'The whole.'
  );
});

test('a kernel that knows nothing of it takes the buttons away', () => {
  const { model, node } = told(transcript([pending()], { state: 'paused' }));
  model.receive({ type: 'gone', id: 'turn-1' });
  expect(node.querySelector('button')).toBeNull();
  expect(node.textContent).toContain(
    'This kernel does not know this answer. Run the cell again.'
  );
});

test('off the page, nothing is left of it', () => {
  const { model, node, gone } = shown(streaming());
  gone();
  model.append(1, 'b');
  expect(node.childElementCount).toBe(0);
});
