import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { expect, test, vi } from 'vitest';

import { MIME_TYPE } from '../../transcript';
import type { IHost } from '../../transcript';
import { pending } from '../../transcript/testing/samples';
import { VERSION } from '../../version';
import { KernelBus } from '../kernel/bus';
import { TranscriptRenderer } from '../renderer';
import { FakeKernel, settled, transcript } from '../testing/fakes';
import type { IPlace } from './place';
import { whyBlocked } from './place';

// JupyterLab uses what jsdom does not have.
vi.hoisted(() => {
  Object.assign(globalThis, { DragEvent: MouseEvent });
});
vi.mock('@jupyterlab/notebook', () => ({ NotebookActions: {} }));
vi.mock('@jupyterlab/apputils', () => ({ Clipboard: {} }));

const ASKS = transcript({ state: 'paused', blocks: [pending()] });

/** A page that shows a question as the notebook file has it, and a kernel. */
class Page {
  readonly kernel = new FakeKernel();
  readonly bus = new KernelBus(this.kernel.connection);
  readonly renderer: TranscriptRenderer;

  constructor() {
    const { bus } = this;
    const place: IPlace = {
      bus,
      changed: new Signal<IPlace, void>({} as IPlace),
      host: id => this.host(id),
      ranHere: () => false,
      rescuer: () => null
    };
    bus.changed.connect(() =>
      (place.changed as Signal<IPlace, void>).emit(undefined)
    );
    this.renderer = new TranscriptRenderer(place);
    void this.renderer.renderModel({
      data: { [MIME_TYPE]: ASKS as never },
      trusted: true,
      metadata: {},
      setData: () => undefined
    });
    Widget.attach(this.renderer, window.document.body);
  }

  /** Tell the question, as a kernel with the package in this version does. */
  tells(version?: string): void {
    this.kernel.says('c1', {
      type: 'state',
      document: { ...ASKS, seq: 1 },
      ...(version ? { version } : {})
    });
  }

  get why(): string {
    return whyBlocked(this.bus, 't1');
  }

  /** The labels of the buttons that decide. */
  get deciding(): string[] {
    return Array.from(this.renderer.node.querySelectorAll('button'))
      .map(button => button.textContent?.trim() ?? '')
      .filter(label => /Approve|Deny|Answer|Edit|Always|Drop/.test(label));
  }

  private host(id: string): IHost {
    const blocked = whyBlocked(this.bus, id);
    return blocked ? { blocked, live: true } : { act: async () => undefined };
  }
}

const differs = (version: string): string =>
  `As saved. llm_notebook is ${version} in the kernel and ${VERSION} in this page. Reload the page to decide.`;

test('only a document from a kernel with the same version as the page can be decided', async () => {
  const page = new Page();
  page.kernel.opens('c1', { version: VERSION });
  expect(page.why).toContain('how it stands is known when it is free');
  expect(page.deciding).toEqual([]);
  page.tells(VERSION);
  await settled();
  expect(page.why).toBe('');
  expect(page.deciding).toContain('Approve');
});

test.each([
  ['says another version', '0.0.9', '0.0.9'],
  ['says a newer version', '99.0.0', '99.0.0'],
  ['tells it in another version', VERSION, '0.0.9'],
  ['tells it without a version', VERSION, undefined]
])(
  'a kernel that %s gets a sentence and no buttons',
  async (_, opened, told) => {
    const page = new Page();
    page.kernel.opens('c1', { version: opened });
    page.tells(told);
    await settled();
    expect(page.why).toBe(differs(told ?? 'older'));
    expect(page.deciding).toEqual([]);
    expect(page.renderer.node.textContent).toContain('Reload the page');
  }
);

test('a version is forgotten with the kernel that reported it', async () => {
  const page = new Page();
  page.kernel.opens('c1', { version: '0.0.9' });
  page.tells('0.0.9');
  page.kernel.closes('c1');
  expect(page.why).toContain('llm_notebook is not loaded in it');
  page.kernel.opens('c1', { version: VERSION });
  expect(page.why).toContain('how it stands is known when it is free');
  page.tells(VERSION);
  await settled();
  expect(page.deciding).toContain('Approve');
});

test('a kernel that does not have the package, or not the answer, says so', async () => {
  const page = new Page();
  await settled();
  expect(page.why).toContain('llm_notebook is not loaded in it');
  page.kernel.opens('c1', { version: VERSION });
  page.kernel.says('c1', { type: 'gone', id: 't1' });
  expect(page.why).toContain('This kernel does not know this answer');
  expect(page.deciding).toEqual([]);
});
