/** Draws what stands below an answer: how its turn ended, our remarks and the line at the foot. */

import { asTabbed } from '../answer/table';
import type {
  Action,
  Block,
  IProblem,
  ITableBlock,
  ITranscript
} from '../protocol/document';
import { jobLabel } from '../jobs/job';
import { row, type Tone } from '../dom/boxes';
import { copyAndSay } from '../dom/copying';
import { attrs, button, el, refill, withCode } from '../dom/elements';
import { count, duration, sentenceOf } from '../dom/formatting';
import { icon, type Icon } from '../dom/icons';
import { continueLabel, cutRow, limitRow } from './limit';
import type { IContext, IPiece } from '../drawing/piece';
import { problemRow } from './problem';
import { unsentRow } from '../prompt/unsent';
import { trans } from '../dom/translation';

/** What the page says about an action until the kernel performs it. */
function sentWords(action: Action): string {
  switch (action.type) {
    case 'retry':
      return trans.__('It starts over as soon as the kernel is free.');
    case 'ask':
      return trans.__('The model is asked as soon as the kernel is free.');
    case 'install':
      return trans.__('The model is installed as soon as the kernel is free.');
    default:
      return trans.__('It goes on as soon as the kernel is free.');
  }
}

/** How a turn ended if it did not end well, our remarks, and the line at the foot. */
export class Ending implements IPiece {
  readonly node = el('div');
  /** The state that it was last drawn from, as a text. */
  private drawn = '';
  private context: IContext | null = null;
  /** The sentence after a click. While there is one, the buttons are held. */
  private sent = '';
  /** The document that a button was clicked for. Any newer one frees the buttons. */
  private sentFor: ITranscript | null = null;

  update(context: IContext): void {
    this.context = context;
    if (context.document !== this.sentFor) {
      this.sent = '';
    }
    const { document } = context;
    const { state, cut, error, limit, remarks, seconds, unsent } = document;
    const facts = footOf(document);
    const { act, blocked } = context.host;
    const isEnded = howEnded(context.document) || error;
    const words = isEnded ? countWords(context.document) : 0;
    const key = JSON.stringify([
      [state, cut, error, limit, remarks, facts, this.sent, unsent],
      [Boolean(act), blocked, words, howEnded(context.document) && seconds]
    ]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    refill(
      this.node,
      unsent && unsentRow(document.model, unsent, context.host),
      limit && limitRow(limit, this.makeButtons(true)),
      howEnded(context.document) && this.endRow(context.document, words),
      cut && cutRow(this.makeButtons(true)),
      isEmpty(context.document) &&
        makeRemark(
          trans.__('%1 gave an empty answer.', context.document.model)
        ),
      error && this.problem(error, words),
      ...(remarks ?? []).map(makeRemark),
      facts.length ? this.makeFoot(facts) : null
    );
  }

  private endRow(document: ITranscript, words: number): HTMLElement {
    const kept =
      words > 0
        ? trans._n(
            'The answer is incomplete; %2 word is kept.',
            'The answer is incomplete; %2 words are kept.',
            words,
            count(words)
          )
        : trans.__('No part of an answer arrived.');
    const rest = `${trans.__('after %1.', duration(document.seconds))} ${kept}`;
    const node = row(
      'stop',
      'warn',
      el('span', 'llm-strong', howEnded(document)),
      ' ',
      el('span', 'llm-quiet', saysMore(document) ? rest : ''),
      this.makeButtons(words > 0)
    );
    node.classList.add('llm-ended');
    return node;
  }

  private problem(problem: IProblem, words: number): HTMLElement {
    const { host, document } = this.context!;
    const isHeld = Boolean(this.sent || host.blocked);
    const continues = words > 0 && !problem.complete;
    const buttons = problem.canStartOver ? this.makeButtons(continues) : null;
    return problemRow(problem, {
      host,
      act: action => this.perform(action),
      isHeld,
      transcript: document.id,
      buttons: buttons ?? (this.sent ? el('p', 'llm-hint', this.sent) : null)
    });
  }

  private makeButtons(canContinue: boolean): HTMLElement | null {
    const { host } = this.context!;
    const { limit } = this.context!.document;
    if (!host.act) {
      return null;
    }
    const make = (
      type: 'continue' | 'retry',
      glyph: 'play' | 'retry',
      label: string
    ): HTMLButtonElement => {
      const node = button('llm-button', icon(glyph), () =>
        this.perform({ type, transcript: this.context!.document.id })
      );
      node.append(label);
      const held = this.sent || host.blocked ? 'true' : null;
      return attrs(node, { 'aria-disabled': held });
    };
    return el(
      'div',
      '',
      el(
        'div',
        'llm-actions',
        canContinue &&
          make(
            'continue',
            'play',
            limit ? continueLabel(limit) : trans.__('Continue')
          ),
        !limit && make('retry', 'retry', trans.__('Start over'))
      ),
      this.sent || host.blocked
        ? el('p', 'llm-hint', this.sent || host.blocked)
        : null
    );
  }

  private perform(action: Action): void {
    const { host } = this.context!;
    const say = (text: string): void => {
      this.sent = text;
      this.sentFor = this.context!.document;
      this.update(this.context!);
    };
    if (this.sent || host.blocked) {
      return;
    }
    say(sentWords(action));
    host.act?.(action).catch((error: unknown) => say(sentenceOf(error)));
  }

  private makeFoot(facts: string[]): HTMLElement {
    const list = el(
      'ul',
      'llm-facts',
      ...facts.map(fact => el('li', '', fact))
    );
    const node = el('div', 'llm-foot', list);
    const { document } = this.context!;
    const answer = answerOf(document);
    const tables = tablesOf(document);
    if (hasStopped(document) && (answer !== '' || tables.length > 0)) {
      const copied = answer || tables.map(asTabbed).join('\n\n');
      const copy = button('llm-plain', icon('copy'), () =>
        copyAndSay(copied, this.context!.host, copy)
      );
      copy.append(answer ? trans.__('Copy answer') : trans.__('Copy rows'));
      node.append(el('div', 'llm-foot-acts', copy));
    }
    return node;
  }
}

/** Whether nothing more comes by itself, so that what has arrived can be copied. */
function hasStopped({ state }: ITranscript): boolean {
  return !['unsent', 'waiting', 'streaming'].includes(state);
}

/** What stands at the foot: the facts that were asked for, or else the model below whatever came of an answer. */
function footOf(document: ITranscript): string[] {
  const { blocks, footer, job, model } = document;
  if (footer?.length) {
    return footer;
  }
  const hasAnswer =
    Boolean(job) ||
    blocks.some(
      block => !['reasoning', 'call'].includes(block.kind) && !isBlank(block)
    );
  return hasStopped(document) && hasAnswer ? [model] : [];
}

const isBlank = (block: Block): boolean =>
  block.kind === 'text' && block.text.trim() === '';

/** How a turn ended before it was complete; empty if it did not, or if its error says why. */
function howEnded(document: ITranscript): string {
  if (document.job) {
    // The row of the run says it.
    return '';
  }
  if (document.state === 'interrupted' && !document.limit) {
    return endedByDecision(document)
      ? trans.__('Ended before the model went on.')
      : trans.__('Stopped by you');
  }
  if (document.state !== 'failed' || document.error) {
    return '';
  }
  return document.blocks.length
    ? trans.__('The answer broke off')
    : trans.__('No answer came.');
}

/** Whether there is more to say of how a turn ended: after how long, and what of it is kept. */
function saysMore(document: ITranscript): boolean {
  return !endedByDecision(document) && document.blocks.length > 0;
}

/** Whether a turn ended because a human refused a call, so that nobody stopped it. */
function endedByDecision({ blocks, state }: ITranscript): boolean {
  const last = blocks.slice(
    1 + blocks.map(block => block.kind !== 'call').lastIndexOf(true)
  );
  return (
    state === 'interrupted' &&
    last.some(
      block =>
        block.kind === 'call' && ['denied', 'abandoned'].includes(block.status)
    )
  );
}

/** Whether a turn is done, but without any answer, call or error. */
function isEmpty(document: ITranscript): boolean {
  return (
    document.state === 'done' &&
    !document.error &&
    !document.job &&
    document.blocks.every(block => block.kind === 'reasoning' || isBlank(block))
  );
}

/** The text of the answer, as it was written. */
function answerOf(document: ITranscript): string {
  return document.blocks
    .flatMap(block => (block.kind === 'text' ? [block.text.trim()] : []))
    .filter(Boolean)
    .join('\n\n');
}

function tablesOf({ blocks }: ITranscript): ITableBlock[] {
  return blocks.filter((block): block is ITableBlock => block.kind === 'table');
}

function countWords(document: ITranscript): number {
  return answerOf(document).split(/\s+/).filter(Boolean).length;
}

/** The glyphs of remarks that begin like this. The kernel's sentences are not translated. */
const REMARK_GLYPHS: [RegExp, Icon, Tone][] = [
  [/^In Python: /, 'terminal', ''],
  [/^`[^`]+` (?:is|holds) /, 'check', 'ok']
];

function makeRemark(text: string): HTMLElement {
  const words = el('p', 'llm-remark', ...withCode(text));
  const found = REMARK_GLYPHS.find(([begins]) => begins.test(text));
  return found ? row(found[1], found[2], words) : words;
}

/** The name of a transcript, for screen readers. */
export function labelOf(document: ITranscript): string {
  if (document.state === 'unsent') {
    return trans.__('Prompt for %1, not sent', document.model);
  }
  if (document.job) {
    return jobLabel(document.job);
  }
  if (document.error && document.blocks.length === 0) {
    return trans.__('No answer');
  }
  return document.state === 'interrupted'
    ? trans.__('Interrupted answer from %1', document.model)
    : trans.__('Answer from %1', document.model);
}
