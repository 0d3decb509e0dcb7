/** What the side panel shows while no kernel tells it anything: what would make one do so. */

import { PathExt } from '@jupyterlab/coreutils';

import { PROMPT_NOTEBOOK } from '../commands/ids';
import type { KernelBus } from '../lab/kernel/bus';
import type { NotebookPlace } from '../lab/notebook/place';
import { button, el, refill } from '../transcript/dom/elements';
import { sentenceOf } from '../transcript/dom/formatting';
import type { ISurroundings } from './surroundings';
import { sayLine } from './lines';
import { plain } from './list';
import type { Sources } from './sources';

/** How many notebooks are named whose kernels run although they are not open. */
const MOST = 5;

export class Nothing {
  readonly node = el('div', 'llm-nothing');
  /** Why the kernel of a notebook did not start, when that was last tried here. */
  private readonly problems = new WeakMap<NotebookPlace, string>();

  constructor(
    private readonly around: ISurroundings,
    private readonly sources: Sources
  ) {}

  refresh(): void {
    const isNeeded = this.sources.asked.length === 0;
    this.node.hidden = !isNeeded;
    if (isNeeded) {
      refill(this.node, ...this.words());
    }
  }

  private words(): Node[] {
    const { trans } = this.around;
    const { chosen, front, open } = this.sources;
    const panel = open.find(({ context }) => context.path === chosen) ?? front;
    const place = panel && this.sources.placeOf(panel);
    const bus = place?.bus;
    const name = panel ? PathExt.basename(panel.context.path) : '';
    if (!bus) {
      return this.starting(place, name);
    }
    return bus.state === 'asking'
      ? [el('p', 'llm-quiet', trans.__('Asking the kernel of %1…', name))]
      : this.loading(bus, name);
  }

  /** What loads the package into a kernel that runs without it. */
  private loading(bus: KernelBus, name: string): Node[] {
    const { trans } = this.around;
    const load = button('llm-button', trans.__('Load it'), () => {
      bus.load().catch((error: unknown) => {
        this.node.append(
          sayLine(sentenceOf(error), 'llm-bad'),
          el('p', 'llm-cmd', 'pip install jupyter-llm-notebook')
        );
      });
    });
    return [
      el('h3', '', trans.__('Not loaded in %1', name)),
      el(
        'p',
        'llm-quiet',
        trans.__(
          'Its kernel runs, but llm_notebook is not loaded there. “Load it” runs this in the kernel:'
        )
      ),
      el('p', 'llm-cmd', '%load_ext llm_notebook'),
      el('div', 'llm-do', load)
    ];
  }

  /** What starts a kernel, or opens a notebook whose kernel runs. */
  private starting(place: NotebookPlace | null, name: string): Node[] {
    const { commands } = this.around.app;
    const { trans } = this.around;
    const create = button('llm-button', trans.__('New prompt notebook'), () => {
      void commands.execute(PROMPT_NOTEBOOK);
    });
    const closed = this.closed();
    const problem = place && this.problems.get(place);
    const [title, help] = place?.isEnded
      ? [
          trans.__('The kernel of %1 has ended', name),
          trans.__(
            'What it had in memory is lost. Start it again and run the cells that you need; questions that waited are kept.'
          )
        ]
      : closed.length
        ? [
            trans.__('No open notebook has a kernel'),
            trans.__(
              'This panel shows what the kernels of open notebooks know. These notebooks are closed, and their kernels run:'
            )
          ]
        : [
            trans.__('No kernel is running'),
            trans.__(
              'This panel shows what kernels with llm_notebook know. Open a notebook and run its first cell.'
            )
          ];
    return [
      el('h3', '', title),
      el('p', 'llm-quiet', help),
      el(
        'div',
        'llm-do',
        ...closed.map(path =>
          plain(
            trans.__('Open %1', PathExt.basename(path)),
            () => void commands.execute('docmanager:open', { path })
          )
        ),
        create,
        place &&
          plain(
            trans.__('Start the kernel of %1', name),
            () => void this.start(place, name)
          )
      ),
      ...(problem ? [sayLine(problem, 'llm-bad')] : [])
    ];
  }

  private async start(place: NotebookPlace, name: string): Promise<void> {
    const { trans } = this.around;
    this.problems.delete(place);
    try {
      await place.start();
    } catch (error) {
      this.problems.set(
        place,
        trans.__('The kernel of %1 did not start: %2', name, sentenceOf(error))
      );
    }
    this.refresh();
  }

  /** The notebooks that are not open here while their kernels run. */
  private closed(): string[] {
    const open = this.sources.open.map(({ context }) => context.path);
    const running = [...this.around.app.serviceManager.sessions.running()];
    return running
      .filter(({ path, type }) => type === 'notebook' && !open.includes(path))
      .map(({ path }) => path)
      .slice(0, MOST);
  }
}
