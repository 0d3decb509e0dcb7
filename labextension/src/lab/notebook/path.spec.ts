import { PageConfig } from '@jupyterlab/coreutils';
import { beforeEach, expect, test } from 'vitest';

import type { ISentCell } from './cells';
import { Renames, RequestSigner } from './path';
import type { FakeFuture } from '../testing/fakes';
import { FakeKernel, settled } from '../testing/fakes';

const rename = (from: string, to: string): Parameters<Renames['note']>[0] => ({
  type: 'rename',
  oldValue: { path: from },
  newValue: { path: to }
});

/** A notebook whose kernel connection says where its requests come from. */
class Notebook {
  path = 'a.ipynb';
  isHeard = true;
  model = '';
  cells: ISentCell[] | null = null;
  readonly renames = new Renames();
  readonly senders = new RequestSigner(this.renames);
  readonly kernel = new FakeKernel();

  constructor() {
    this.sign();
  }

  sign(): void {
    this.senders.sign(this.kernel.connection, {
      path: () => this.path,
      hasPackage: () => this.isHeard,
      model: () => this.model,
      cells: () => this.cells
    });
  }

  rename(to: string): void {
    this.renames.note(rename(this.path, to));
    this.path = to;
  }

  /** Run a cell, and return its request. */
  run(metadata?: { cellId: string }): FakeFuture {
    this.kernel.connection.requestExecute({ code: '' }, true, metadata);
    return this.kernel.executed[this.kernel.executed.length - 1];
  }

  /** What the request of a cell says about the notebook. */
  said(): unknown {
    return (this.run().metadata as { llm_notebook: unknown }).llm_notebook;
  }
}

beforeEach(() => {
  PageConfig.setOption('serverRoot', '');
});

test('every request says the path that the notebook has at that moment', () => {
  const notebook = new Notebook();
  expect(notebook.run({ cellId: 'c' }).metadata).toEqual({
    cellId: 'c',
    llm_notebook: { path: 'a.ipynb' }
  });
  notebook.path = 'copies/a.ipynb';
  expect(notebook.said()).toEqual({ path: 'copies/a.ipynb' });
});

test('a request that asks for cells takes them along', () => {
  const notebook = new Notebook();
  notebook.cells = [];
  expect(notebook.said()).toEqual({ path: 'a.ipynb', cells: [] });
});

test('a request says where the paths of the server begin', () => {
  PageConfig.setOption('serverRoot', '~/work');
  expect(new Notebook().said()).toEqual({ path: 'a.ipynb', root: '~/work' });
});

test('two views of one notebook say it once', () => {
  const notebook = new Notebook();
  const { requestExecute } = notebook.kernel.connection;
  notebook.sign();
  expect(notebook.kernel.connection.requestExecute).toBe(requestExecute);
});

test('requests mention a rename until a kernel with the package has carried one out', async () => {
  const notebook = new Notebook();
  notebook.rename('b.ipynb');
  const renamed = { path: 'b.ipynb', was: 'a.ipynb' };
  const skipped = notebook.run();
  expect(skipped.metadata).toEqual({ llm_notebook: renamed });
  skipped.ends('aborted');
  await settled();
  const lost = notebook.run();
  expect(lost.metadata).toEqual({ llm_notebook: renamed });
  lost.isCancelled();
  await settled();
  notebook.isHeard = false;
  const unheard = notebook.run();
  expect(unheard.metadata).toEqual({ llm_notebook: renamed });
  unheard.ends();
  await settled();
  notebook.isHeard = true;
  const heard = notebook.run();
  expect(heard.metadata).toEqual({ llm_notebook: renamed });
  heard.ends('error');
  await settled();
  expect(notebook.said()).toEqual({ path: 'b.ipynb' });
});

test('of several renames, the path that a kernel has heard of counts', async () => {
  const notebook = new Notebook();
  notebook.rename('b.ipynb');
  notebook.rename('c.ipynb');
  expect(notebook.renames.before('c.ipynb')).toBe('a.ipynb');
  notebook.run().ends();
  await settled();
  notebook.rename('d.ipynb');
  expect(notebook.renames.before('d.ipynb')).toBe('c.ipynb');
  notebook.rename('c.ipynb');
  expect(notebook.renames.before('c.ipynb')).toBeUndefined();
});

test('a rename during a request is mentioned by the next one', async () => {
  const notebook = new Notebook();
  notebook.rename('b.ipynb');
  const request = notebook.run();
  notebook.rename('c.ipynb');
  request.ends();
  await settled();
  expect(notebook.said()).toEqual({ path: 'c.ipynb', was: 'b.ipynb' });
});

test('a renamed folder renames what is in it', () => {
  const renames = new Renames();
  renames.note(rename('old', 'new'));
  expect(renames.before('new/a.ipynb')).toBe('old/a.ipynb');
  expect(renames.before('newer/a.ipynb')).toBeUndefined();
  renames.note(rename('new/a.ipynb', 'new/b.ipynb'));
  expect(renames.before('new/b.ipynb')).toBe('old/a.ipynb');
});

test('another file that is given the name of a renamed one is another notebook', () => {
  const renames = new Renames();
  renames.note(rename('a.ipynb', 'b.ipynb'));
  expect(renames.before('a.ipynb')).toBeUndefined();
  renames.note({
    type: 'delete',
    oldValue: { path: 'b.ipynb' },
    newValue: null
  });
  expect(renames.before('b.ipynb')).toBeUndefined();
  renames.note(rename('c.ipynb', 'b.ipynb'));
  expect(renames.before('b.ipynb')).toBe('c.ipynb');
});

test('a copy has no earlier path', () => {
  const renames = new Renames();
  renames.note({
    type: 'new',
    oldValue: null,
    newValue: { path: 'a-Copy1.ipynb' }
  });
  expect(renames.before('a-Copy1.ipynb')).toBeUndefined();
});

test('a request says the model that was chosen for the notebook', () => {
  const notebook = new Notebook();
  notebook.model = 'gpt-5-mini';
  expect(notebook.said()).toEqual({ path: 'a.ipynb', model: 'gpt-5-mini' });
});
