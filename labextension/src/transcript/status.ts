/** What is said of the turn as a whole: waiting, a notice, how it ended, remarks, the foot. */

import type { ITranscript } from './document';
import { row } from './dom/boxes';
import { copyAndSay, copyText, SHOWN_FOR } from './dom/copying';
import { attrs, button, el, refill, setText } from './dom/elements';
import { count, duration, wholeSeconds } from './dom/formatting';
import { icon } from './dom/icons';
import type { IHost } from './host';
import type { IContext, IPiece } from './piece';

/** A spinner while nothing has arrived, or the reason why nothing arrives, with its countdown. */
export class Waiting implements IPiece {
  readonly node = el('div');
  private readonly seconds = el('span', 'llm-num');
  private readonly meter = el('i');
  private drawn = '';
  private noticeSince = 0;

  update(context: IContext): void {
    const { model, notice, state } = context.document;
    const shown = notice ?? (state === 'waiting' ? model : null);
    const key = JSON.stringify(shown);
    this.node.hidden = shown === null;
    if (key !== this.drawn) {
      this.drawn = key;
      this.noticeSince = context.now;
      refill(
        this.node,
        notice ? this.notice(notice) : shown && this.spinner(model)
      );
    }
    this.tick(context);
  }

  tick(context: IContext): void {
    const { notice } = context.document;
    if (!notice) {
      setText(this.seconds, wholeSeconds(context.elapsed));
      return;
    }
    const total = notice.seconds ?? 0;
    const left = Math.max(0, total - (context.now - this.noticeSince) / 1000);
    setText(this.seconds, wholeSeconds(left));
    this.meter.style.transform = `scaleX(${total ? left / total : 0})`;
  }

  private spinner(model: string): HTMLElement {
    const node = row(
      'spinner',
      '',
      'Waiting for ',
      el('span', 'llm-strong', model),
      ', ',
      this.seconds
    );
    node.lastElementChild!.className = 'llm-quiet';
    return node;
  }

  private notice(notice: NonNullable<ITranscript['notice']>): HTMLElement {
    attrs(this.seconds, { 'aria-hidden': 'true' });
    const counted = notice.seconds !== undefined;
    return row(
      'retry',
      'warn',
      el(
        'div',
        '',
        el('span', 'llm-strong', notice.text),
        ' ',
        el(
          'span',
          'llm-quiet',
          counted && 'Trying again in ',
          counted && this.seconds,
          counted && '. ',
          notice.detail
        )
      ),
      counted &&
        attrs(el('div', 'llm-meter', this.meter), { 'aria-hidden': 'true' })
    );
  }
}

/** How a turn ended other than well, remarks of ours, and the line at its foot. */
export class Ending implements IPiece {
  readonly node = el('div');
  private drawn = '';
  private context: IContext | null = null;
  private sent = '';
  /** What a button was clicked about; whatever the kernel says next frees it. */
  private sentAbout: ITranscript | null = null;

  update(context: IContext): void {
    this.context = context;
    if (context.document !== this.sentAbout) {
      this.sent = '';
    }
    const { state, error, remarks, footer, seconds } = context.document;
    const { act, blocked } = context.host;
    const words = ended(context.document) ? wordsOf(context.document) : 0;
    const key = JSON.stringify([
      [state, error, remarks, footer, this.sent],
      [Boolean(act), blocked, words, ended(context.document) && seconds]
    ]);
    if (key === this.drawn) {
      return;
    }
    this.drawn = key;
    refill(
      this.node,
      ended(context.document) && this.interrupted(context.document, words),
      isEmpty(context.document) &&
        remark(`${context.document.model} gave an empty answer.`),
      error && errorRow(error, context.host),
      ...(remarks ?? []).map(remark),
      footer?.length ? this.foot(footer, state === 'done') : null
    );
  }

  private interrupted(document: ITranscript, words: number): HTMLElement {
    const kept =
      words > 0
        ? ` The answer is incomplete; ${count(words)} ${words === 1 ? 'word is' : 'words are'} kept.`
        : ' No part of an answer arrived.';
    const node = row(
      'stop',
      'warn',
      el('span', 'llm-strong', ended(document)),
      ' ',
      el('span', 'llm-quiet', `after ${duration(document.seconds)}.${kept}`),
      this.buttons(words > 0)
    );
    node.classList.add('llm-ended');
    return node;
  }

  private buttons(canContinue: boolean): HTMLElement | null {
    const { host } = this.context!;
    if (!host.act) {
      return null;
    }
    const make = (
      type: 'continue' | 'retry',
      glyph: 'play' | 'retry',
      label: string
    ): HTMLButtonElement => {
      const node = button('llm-button', icon(glyph), () => this.act(type));
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
        canContinue && make('continue', 'play', 'Continue'),
        make('retry', 'retry', 'Start over')
      ),
      this.sent || host.blocked
        ? el('p', 'llm-hint', this.sent || host.blocked)
        : null
    );
  }

  private act(type: 'continue' | 'retry'): void {
    const { host, document } = this.context!;
    const say = (text: string): void => {
      this.sent = text;
      this.sentAbout = this.context!.document;
      this.update(this.context!);
    };
    say('It goes on as soon as the kernel is free.');
    host
      .act?.({ type, transcript: document.id })
      .catch((error: unknown) =>
        say(String((error as Error)?.message ?? error))
      );
  }

  private foot(facts: string[], copyable: boolean): HTMLElement {
    const node = el(
      'dl',
      'llm-foot',
      ...facts.map(fact => el('div', '', el('dd', '', fact)))
    );
    if (copyable && this.answer() !== '') {
      const copy = button('llm-plain', icon('copy'), () =>
        copyAndSay(this.answer(), this.context!.host, copy)
      );
      copy.append('Copy answer');
      node.append(el('div', 'llm-foot-acts', copy));
    }
    return node;
  }

  private answer(): string {
    return answerOf(this.context!.document);
  }
}

/** How a turn ended whose end nothing else explains; empty where it did not. */
function ended(document: ITranscript): string {
  if (document.state === 'interrupted') {
    return 'Stopped by you';
  }
  return document.state === 'failed' && !document.error
    ? 'The answer broke off'
    : '';
}

/** Whether a turn is over without a word of an answer or anything that explains it. */
function isEmpty(document: ITranscript): boolean {
  return (
    document.state === 'done' &&
    !document.error &&
    document.blocks.every(
      block =>
        block.kind === 'reasoning' ||
        (block.kind === 'text' && block.text.trim() === '')
    )
  );
}

function answerOf(document: ITranscript): string {
  return document.blocks
    .flatMap(block => (block.kind === 'text' ? [block.text.trim()] : []))
    .filter(Boolean)
    .join('\n\n');
}

function wordsOf(document: ITranscript): number {
  return answerOf(document).split(/\s+/).filter(Boolean).length;
}

function remark(text: string): HTMLElement {
  return el('p', 'llm-remark', text);
}

function errorRow(
  error: NonNullable<ITranscript['error']>,
  host: IHost
): HTMLElement {
  const ways = (error.ways ?? []).map(way => wayRow(way, host));
  const node = row(
    error.kind === 'key' ? 'key' : 'cross',
    'error',
    el('p', 'llm-notice-title', error.title),
    el('p', 'llm-notice-text', error.text),
    ways.length > 0 && el('div', 'llm-choices', ...ways)
  );
  node.classList.add('llm-error-row');
  return attrs(node, { role: 'alert' });
}

/** A line to type, which a click copies. */
function wayRow(way: { code: string; text: string }, host: IHost): HTMLElement {
  const mark = el('span', '', icon('copy'));
  const node = button('llm-choice', icon('terminal'), () => {
    copyText(way.code, host);
    refill(mark, 'Copied');
    setTimeout(() => refill(mark, icon('copy')), SHOWN_FOR);
  });
  node.append(
    el(
      'span',
      '',
      el('b', '', el('code', '', way.code)),
      ' ',
      el('span', '', way.text)
    ),
    mark
  );
  return attrs(node, { 'aria-label': `Copy ${way.code}: ${way.text}` });
}
