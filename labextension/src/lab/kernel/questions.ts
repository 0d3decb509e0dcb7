/** The questions of a side panel to one kernel, and the answers. */

import { PageConfig } from '@jupyterlab/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IPanelAnswer, IPanelQuestion } from '../../transcript';
import { trans } from '../../transcript/dom/translation';

/** What a question says besides what every question says. */
export type Question = Omit<IPanelQuestion, 'type' | 'ask' | 'root'>;

/** Why a kernel that is gone does not answer. */
export const lost = (): string => trans.__('The kernel went away. Try again.');

interface IAsked {
  resolve: (answer: IPanelAnswer) => void;
  reject: (error: Error) => void;
}

export class Questions {
  private readonly asked = new Map<string, IAsked>();
  private readonly news = new Signal<this, IPanelAnswer>(this);
  private count = 0;

  /** @param send sends a question. Returns whether there was a kernel to send it to. */
  constructor(private readonly send: (question: IPanelQuestion) => boolean) {}

  /** Emitted when the kernel tells something that was not asked for. */
  get told(): ISignal<this, IPanelAnswer> {
    return this.news;
  }

  /**
   * Ask the kernel. Resolves when it has time to answer, which a cell may keep it
   * from; rejects with a sentence for the reader.
   */
  ask(question: Question): Promise<IPanelAnswer> {
    this.count += 1;
    // Another page of the same kernel asks too.
    const ask = `${Math.random().toString(36).slice(2)}-${this.count}`;
    return new Promise((resolve, reject) => {
      const root = PageConfig.getOption('serverRoot');
      if (this.send({ ...question, type: 'panel', ask, root })) {
        this.asked.set(ask, { resolve, reject });
      } else {
        reject(new Error(lost()));
      }
    });
  }

  take(answer: IPanelAnswer): void {
    const asked = this.asked.get(answer.answers);
    this.asked.delete(answer.answers);
    if (asked && answer.problem) {
      asked.reject(new Error(answer.problem));
    } else if (asked) {
      asked.resolve(answer);
    } else if (!answer.answers) {
      this.news.emit(answer);
    }
  }

  /** The connection is gone, and with it every answer. */
  forget(): void {
    const asked = [...this.asked.values()];
    this.asked.clear();
    asked.forEach(({ reject }) => reject(new Error(lost())));
  }
}
