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
import type { ISource, Sources } from './sources';

/** What the parts of the panel have in common. */
export interface IPanel {
  sources: Sources;
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

/** How long a kernel may take before the panel says that it is busy, in milliseconds. */
const PATIENCE = 1_500;

export abstract class Section<T> {
  readonly node: HTMLElement;
  protected readonly body = el('div', 'llm-sec-body');
  protected readonly trans: TranslationBundle;
  private readonly sum = el('span', 'llm-sec-sum');
  private readonly title: HTMLButtonElement;
  private readonly notes = el('div');
  private readonly content = el('div');
  /** The answers so far, by the kernel. */
  private readonly answers = new Map<unknown, { answer: T; at: Date }>();
  private round = 0;
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
    this.round += 1;
    const { round } = this;
    const sources = this.panel.sources.asked;
    const buses = new Set<unknown>(sources.map(({ bus }) => bus));
    [...this.answers.keys()]
      .filter(bus => !buses.has(bus))
      .forEach(bus => this.answers.delete(bus));
    const late = new Set(sources);
    const problems: string[] = [];
    const say = (busy: Iterable<ISource>): void => {
      if (round === this.round) {
        this.note(
          [...busy].map(source => this.busyNote(source)),
          problems
        );
      }
    };
    const timer = setTimeout(() => say(late), PATIENCE);
    const asked = sources.map(source =>
      this.ask(source, { about: this.about, ...this.question() })
        .then(answer => {
          if (round === this.round) {
            this.take(source, answer);
          }
        })
        .catch((error: unknown) => void problems.push(sentenceOf(error)))
        .finally(() => late.delete(source))
    );
    void Promise.all(asked).then(() => {
      clearTimeout(timer);
      say([]);
      if (round === this.round) {
        this.redraw();
      }
    });
  }

  /** Ask one kernel something. Rejects with a sentence. */
  protected async ask(source: ISource, question: Question): Promise<T> {
    return this.read(await source.bus.questions.ask(question));
  }

  /** Take what a kernel has answered or told. */
  protected take(source: ISource, answer: T): void {
    this.answers.set(source.bus, { answer, at: new Date() });
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
    const all = this.panel.sources.asked.flatMap(source => {
      const known = this.answers.get(source.bus);
      return known ? [{ source, answer: known.answer }] : [];
    });
    refillKept(this.content, this.draw(all));
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

  private note(busy: string[], problems: string[]): void {
    const lines = busy.map(text => sayLine(text, ''));
    refill(
      this.notes,
      ...lines,
      ...[...new Set(problems)].map(text => sayLine(text, 'llm-bad'))
    );
  }

  private busyNote({ bus, name }: ISource): string {
    const at = this.answers.get(bus)?.at;
    return at
      ? this.trans.__('%1 is busy; its part is as of %2.', name, timeOf(at))
      : this.trans.__('%1 is busy; its part comes when it is free.', name);
  }
}

/** A line with what has happened. */
export function sayLine(text: string, tone: string): HTMLElement {
  const glyph = { '': 'clock', 'llm-bad': 'warning' }[tone] as
    'clock' | 'warning';
  return attrs(
    el('p', `llm-say ${tone}`, icon(glyph ?? 'check'), el('span', '', text)),
    { role: tone ? 'alert' : null }
  );
}

/** Give a node these children. Those that it has already are not taken out, so that they keep the focus. */
function refillKept(node: Node, children: Child[]): void {
  const wanted = children.filter(
    (child): child is Node => child instanceof Node
  );
  Array.from(node.childNodes)
    .filter(one => !wanted.includes(one))
    .forEach(one => node.removeChild(one));
  arrange(node, wanted);
}

export const timeOf = (at: Date): string =>
  at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** When something was, in few characters: a time today, a weekday in the last days, else a date. */
export function when(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (isNaN(at.getTime())) {
    return '';
  }
  const days = (now.getTime() - at.getTime()) / 86_400_000;
  if (days < 1 && at.getDate() === now.getDate()) {
    return timeOf(at);
  }
  return days < 6
    ? at.toLocaleDateString([], { weekday: 'short' })
    : at.toLocaleDateString([], { day: 'numeric', month: 'short' });
}
