/** Says which kernels are busy: those that have not answered the panel for a while. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { KernelBus } from '../lab/kernel/bus';
import { el, refill } from '../transcript/dom/elements';
import { sayLine, timeOf } from './lines';
import type { ISource } from './sources';

/** How long a kernel may take before the panel says that it is busy, in milliseconds. */
const PATIENCE = 1_500;

interface IAsked {
  source: ISource;
  /** How many questions have no answer yet. */
  open: number;
  isLate: boolean;
  timer: ReturnType<typeof setTimeout>;
}

export class Busy {
  readonly node = el('div', 'llm-busy');
  private readonly asked = new Map<KernelBus, IAsked>();
  private readonly heard = new WeakMap<KernelBus, Date>();

  constructor(private readonly trans: TranslationBundle) {
    this.node.hidden = true;
  }

  /**
   * Note that a kernel was asked.
   *
   * @returns what notes that it has answered, or that it never will.
   */
  ask(source: ISource): (hasAnswered: boolean) => void {
    const { bus } = source;
    const one = this.asked.get(bus) ?? this.begin(source);
    one.open += 1;
    return hasAnswered => {
      one.open -= 1;
      if (hasAnswered) {
        this.heard.set(bus, new Date());
      }
      if (!one.open) {
        clearTimeout(one.timer);
        this.asked.delete(bus);
        this.draw();
      }
    };
  }

  private begin(source: ISource): IAsked {
    const timer = setTimeout(() => {
      one.isLate = true;
      this.draw();
    }, PATIENCE);
    const one: IAsked = { source, open: 0, isLate: false, timer };
    this.asked.set(source.bus, one);
    return one;
  }

  private draw(): void {
    const late = [...this.asked.values()].filter(({ isLate }) => isLate);
    this.node.hidden = !late.length;
    refill(
      this.node,
      ...late.map(({ source }) => sayLine(this.words(source), ''))
    );
  }

  private words({ bus, name }: ISource): string {
    const at = this.heard.get(bus);
    return at
      ? this.trans.__('%1 is busy; its part is as of %2.', name, timeOf(at))
      : this.trans.__('%1 is busy; its part comes when it is free.', name);
  }
}
