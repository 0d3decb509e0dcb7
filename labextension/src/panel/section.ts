/** A part of the side panel that folds: its title, what it sums up to, and what the kernels answer. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { About, IPanelAnswer } from '../transcript';
import type { Question } from '../lab/kernel/questions';
import type { Check } from '../transcript/protocol/checks';
import {
  arrange,
  attrs,
  button,
  el,
  refill,
  setText,
  uniqueId
} from '../transcript/dom/elements';
import type { Child } from '../transcript/dom/elements';
import { icon } from '../transcript/dom/icons';
import { sentenceOf } from '../transcript/dom/formatting';
import type { Busy } from './busy';
import { Holding } from './holding';
import { sayLine } from './lines';
import type { ISource, Sources } from './sources';

/** What the parts of the panel have in common. */
export interface IPanel {
  sources: Sources;
  busy: Busy;
  trans: TranslationBundle;
  /** Say something to a screen reader. */
  announce: (text: string) => void;
  /** Open the part with this name, and show it. */
  show: (section: string) => void;
  /** Bring a cell into view, in the notebook with this path, which is opened if it is not. */
  goTo: (path: string, cell: IWhere) => void;
  /** Put a prompt below the active cell of the notebook in front. */
  prompt: (source: string) => void;
  /** Open a conversation in a tab. */
  open: (source: ISource, id: string) => void;
  /** Write a conversation into a file. */
  write: (source: ISource, id: string) => void;
  /** Whether a notebook is in front that a prompt can be put into. */
  canPrompt: () => boolean;
}

/** A cell, by its id or by a transcript that it shows. */
export interface IWhere {
  cell?: string;
  transcript?: string;
}

/** What a kernel has answered. */
export interface IAnswered<T> {
  source: ISource;
  answer: T;
}

export abstract class Section<T> {
  readonly node: HTMLElement;
  protected readonly body = el('div', 'llm-sec-body');
  protected readonly trans: TranslationBundle;
  private readonly sum = el('span', 'llm-sec-sum');
  private readonly title: HTMLButtonElement;
  private readonly notes = el('div');
  private readonly content = el('div');
  /** The answers so far, by the kernel. */
  private readonly answers = new Map<unknown, T>();
  /** The question that each kernel has yet to answer, by the kernel. */
  private readonly pending = new Map<
    unknown,
    { words: string; isWantedAgain: boolean }
  >();
  /** Why a kernel did not answer, by the kernel. */
  private readonly problems = new WeakMap<object, string>();
  private readonly holding: Holding;
  /** Called when the reader opens or closes it. */
  toggled: () => void = () => undefined;

  constructor(
    readonly id: string,
    label: string,
    protected readonly panel: IPanel,
    private readonly about: About,
    private readonly check: Check
  ) {
    this.trans = panel.trans;
    const body = uniqueId();
    this.title = button('', icon('chevron'), () => {
      this.isOpen = !this.isOpen;
      this.toggled();
    });
    this.title.append(el('span', '', label), this.sum);
    attrs(this.title, { 'aria-controls': body, 'aria-expanded': 'false' });
    attrs(this.body, { id: body }).hidden = true;
    this.body.append(this.notes, this.content);
    const heading = el('h3', 'llm-sec-title', this.title);
    this.node = el('section', 'llm-sec', heading, this.body);
    attrs(this.node, { 'aria-label': label });
    this.holding = new Holding(this.node);
  }

  get isOpen(): boolean {
    return !this.body.hidden;
  }

  set isOpen(is: boolean) {
    if (is !== this.isOpen) {
      this.body.hidden = !is;
      attrs(this.title, { 'aria-expanded': String(is) });
      this.refresh();
    }
  }

  focus(): void {
    this.title.focus();
    this.node.scrollIntoView({ block: 'start' });
  }

  /** What is asked besides what the section is about. */
  protected question(): Partial<Question> {
    return {};
  }

  /** Whether it is asked for while it is closed too, because its title says something of it: always, or once. */
  protected readonly whileClosed: 'always' | 'once' | 'never' = 'always';

  /** Ask the kernels again, if anybody can see it. */
  refresh(): void {
    const { whileClosed } = this;
    const isKnown = this.panel.sources.asked.every(({ bus }) =>
      this.answers.has(bus)
    );
    if (
      !this.isOpen &&
      (whileClosed === 'never' || (whileClosed === 'once' && isKnown))
    ) {
      return;
    }
    const { asked } = this.panel.sources;
    const buses = new Set<unknown>(asked.map(({ bus }) => bus));
    [...this.answers.keys()]
      .filter(bus => !buses.has(bus))
      .forEach(bus => this.answers.delete(bus));
    const question = { about: this.about, ...this.question() };
    asked.forEach(source => void this.fetch(source, question));
    this.redraw();
  }

  /**
   * Ask one kernel, and show what it answers. While the same question waits for
   * its answer it is asked only once more, however often that is wanted, because
   * a busy kernel has to answer all of them.
   */
  private async fetch(source: ISource, question: Question): Promise<void> {
    const { bus } = source;
    const words = JSON.stringify(question);
    const before = this.pending.get(bus);
    if (before?.words === words) {
      before.isWantedAgain = true;
      return;
    }
    const mine = { words, isWantedAgain: false };
    this.pending.set(bus, mine);
    const note = this.panel.busy.ask(source);
    let problem = '';
    try {
      const answer = await this.ask(source, question);
      note(true);
      if (this.pending.get(bus) === mine) {
        this.take(source, answer);
      }
    } catch (error) {
      note(false);
      problem = bus.state === 'joined' ? sentenceOf(error) : '';
    }
    if (this.pending.get(bus) === mine) {
      this.pending.delete(bus);
      this.problems.set(bus, problem);
      this.redraw();
      if (mine.isWantedAgain && bus.state === 'joined') {
        void this.fetch(source, question);
      }
    }
  }

  /** Ask one kernel something. Rejects with a sentence. */
  protected async ask(source: ISource, question: Question): Promise<T> {
    return this.read(await source.bus.questions.ask(question));
  }

  /** Take what a kernel has answered or told. */
  protected take(source: ISource, answer: T): void {
    this.answers.set(source.bus, answer);
    this.redraw();
  }

  protected read(answer: IPanelAnswer): T {
    if (!this.check(answer)) {
      throw new Error(
        this.trans.__('The kernel has another version. Load the page again.')
      );
    }
    return answer as unknown as T;
  }

  protected redraw(): void {
    this.holding.act(() => {
      const focused = document.activeElement as HTMLElement | null;
      const had = this.node.contains(focused);
      const { asked } = this.panel.sources;
      const all = asked.flatMap(source => {
        const answer = this.answers.get(source.bus);
        return answer === undefined ? [] : [{ source, answer }];
      });
      const isKnown = all.length > 0 || this.knowsMore();
      if (!isKnown) {
        this.setSum('');
      }
      arrange(
        this.content,
        (isKnown ? this.draw(all) : []).filter(child => child instanceof Node)
      );
      const problems = asked.map(({ bus }) => this.problems.get(bus) ?? '');
      refill(
        this.notes,
        ...[...new Set(problems)]
          .filter(Boolean)
          .map(text => sayLine(text, 'llm-bad'))
      );
      // What had the focus may have moved, or be gone as the last row of a list is. The panel stays where its reader has scrolled it.
      if (had && !this.node.contains(document.activeElement)) {
        const next = this.node.contains(focused) ? focused! : this.title;
        next.focus({ preventScroll: true });
      }
    });
  }

  /** Whether there is something to show before a kernel has answered. */
  protected knowsMore(): boolean {
    return false;
  }

  /** Make what is shown. Nodes that are returned again stay where they are. */
  protected abstract draw(all: IAnswered<T>[]): Child[];

  protected setSum(text: string, isNeeded = false): void {
    setText(this.sum, text);
    this.sum.classList.toggle('llm-need', isNeeded);
  }

  /** A sentence in the place of a list that is empty. */
  protected empty(...words: Child[]): HTMLElement {
    return el('p', 'llm-empty', ...words);
  }
}
