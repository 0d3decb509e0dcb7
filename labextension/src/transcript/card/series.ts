/**
 * Draws what several questions of one turn share: a line above their cards that
 * counts them, and a foot below that decides about all of them at once.
 *
 * Approving all needs no less than approving each: every card has been read as
 * if it stood alone, and none of its calls is destructive, has changed or may
 * have run already. The drawer then lists what runs, and takes a click only
 * after it has been in view for half a second, while every card would take
 * consent.
 */

import type { IParam, ITranscript } from '../protocol/document';
import { attrs, button, el, refill, setText, uniqueId } from '../dom/elements';
import { count, sentenceOf } from '../dom/formatting';
import { icon } from '../dom/icons';
import { nameNodes, visible, visibleNodes } from '../dom/visible';
import { placeInSeries, seriesOf } from '../drawing/layout';
import type { IContext } from '../drawing/piece';
import { whenSeen } from './decision/arming';
import type { Card } from './card';
import { hold, lockFields } from './decision/holding';
import { shortDigest } from './arguments/params';
import { makeFineprint, sentWords } from './parts';
import type { IDrawer } from './decision/reply';
import { textDrawer } from './decision/simpleDrawers';
import { trans, withNodes } from '../dom/translation';

type Verdict = 'approved' | 'denied';

/** The line above several cards and the foot below them. */
export class Series {
  readonly head = el('div', 'llm-head');
  readonly foot = attrs(el('div', 'llm-series-foot'), {
    role: 'group',
    'aria-label': trans.__('Decide about all')
  });
  private readonly asked = el('span', 'llm-strong');
  private readonly advice = el('span');
  private readonly progress = el('span', 'llm-num');
  /** Holds the row of buttons or a drawer, and the hint. */
  private readonly controls = el('div');
  private readonly hint = el('p', 'llm-hint');
  private readonly buttons = el('div', 'llm-actions');
  private readonly approve = button('llm-button', '', () =>
    this.open('approved')
  );
  private readonly deny = button('llm-button', trans.__('Deny all…'), () =>
    this.open('denied')
  );
  private cards: Card[] = [];
  private context: IContext | null = null;
  private drawer: (IDrawer & { verdict: Verdict }) | null = null;
  /** Kept with its draft while it is closed. */
  private denial: IDrawer | null = null;
  private isSeen = false;
  private unwatch = (): void => undefined;
  /** The hint once a decision was sent. */
  private sent = '';
  /** The document that a decision was sent for. */
  private sentFor: ITranscript | null = null;
  /** Why the last decision could not be sent. */
  private problem = '';

  constructor() {
    this.hint.id = uniqueId();
    this.head.append(
      el('span', 'llm-glyph llm-is-warn', icon('pause')),
      el('span', '', this.asked, ' ', this.advice),
      this.progress
    );
    refill(this.buttons, this.approve, this.deny);
    refill(this.controls, this.buttons, this.hint);
    this.foot.append(this.controls, makeFineprint('', false, null));
    this.foot.addEventListener('keydown', event => {
      if (event.key === 'Escape' && this.drawer) {
        event.preventDefault();
        event.stopPropagation();
        this.close(this.drawer.verdict);
      }
    });
  }

  /** Whether there is more than one question, so that the line above them is needed. */
  get hasHead(): boolean {
    return (
      this.cards.length > 0 &&
      this.context !== null &&
      seriesOf(this.context.document).length > 1
    );
  }

  /** Whether more than one question is open. */
  get hasFoot(): boolean {
    return this.cards.length > 1;
  }

  /** Follow the document, in which these cards ask. */
  update(context: IContext, cards: Card[]): void {
    const isSame =
      cards.length === this.cards.length &&
      cards.every((card, at) => card === this.cards[at]);
    this.context = context;
    this.cards = cards;
    if (this.sent && context.document !== this.sentFor) {
      // The questions are still open in a newer document, so the decision did not count.
      this.sent = '';
      cards.forEach(card => card.hold(''));
    }
    if (!isSame) {
      this.problem = '';
      this.denial = null;
      this.close();
    }
    const total = seriesOf(context.document).length;
    const open = cards.length;
    setText(
      this.asked,
      trans._n(
        '%1 call is waiting for you.',
        '%1 calls are waiting for you.',
        open
      )
    );
    setText(
      this.advice,
      open === 1
        ? trans.__('The model goes on after it.')
        : trans.__('Decide them in any order; they run in the order shown.')
    );
    setText(
      this.progress,
      trans.__('%1 of %2 decided', String(total - open), String(total))
    );
    setText(this.approve, trans.__('Approve all %1…', String(open)));
    this.refresh();
  }

  dispose(): void {
    this.unwatch();
  }

  /** Follow a change to a card, such as that it was opened or is being written in. */
  readonly refresh = (): void => {
    const notOffered = this.notOffered;
    if (notOffered && this.drawer?.verdict === 'approved') {
      this.close();
      return;
    }
    this.approve.hidden = notOffered !== '';
    // A call that may have run cannot truthfully be said to be denied.
    this.deny.hidden = this.cards.some(card => card.isUnknown);
    const stopped = this.sent !== '' || this.cards.some(card => card.isStopped);
    const isReady = this.cards.every(card => card.isReady);
    hold(this.approve, stopped || !isReady, this.hint.id);
    hold(this.deny, stopped, this.hint.id);
    const buttons = this.drawer?.node.querySelectorAll('button') ?? [];
    for (const node of Array.from(buttons)) {
      const isConsent = this.drawer?.consenting.includes(node) ?? false;
      const isHeld = isConsent && !(isReady && this.isSeen);
      hold(node, stopped || isHeld, this.hint.id);
    }
    lockFields(this.controls, Boolean(this.sent));
    refill(this.hint, ...this.hintNodes(notOffered));
    this.hint.hidden = !this.hint.textContent;
  };

  private get blocked(): string {
    return this.cards.find(card => card.blocked)?.blocked ?? '';
  }

  private placeOf(card: Card): string {
    return placeInSeries(this.context!.document, card.index);
  }

  /** Why all cannot be approved at once, whatever the reader opens; empty if they can. */
  private get notOffered(): string {
    for (const card of this.cards) {
      const { request, isUnknown } = card;
      const place = this.placeOf(card);
      const why = isUnknown
        ? trans.__('%1 may have run already', place)
        : request.destructive
          ? trans.__('%1 is destructive', place)
          : request.changed
            ? trans.__('%1 has changed', place)
            : '';
      if (why) {
        return trans.__(
          'Approve all is not offered: %1. Decide each by itself.',
          why
        );
      }
    }
    return '';
  }

  /** What keeps the reader from approving all, or what to know before it. */
  private hintNodes(notOffered: string): (Node | string)[] {
    if (this.sent) {
      return [this.sent];
    }
    if (this.problem) {
      return [el('span', 'llm-is-error', visible(this.problem))];
    }
    if (this.blocked) {
      return [visible(this.blocked)];
    }
    if (this.drawer) {
      return this.drawer.verdict === 'approved'
        ? [
            trans.__(
              'A call whose tool changes before its turn comes asks again.'
            )
          ]
        : [];
    }
    if (notOffered) {
      return [notOffered];
    }
    const card = this.cards.find(one => one.unopened.length || !one.isReady);
    if (!card) {
      return [];
    }
    if (card.unopened.length) {
      return withNodes(
        trans.__('Approve all waits until you have opened all of %1 in %2.'),
        el('code', '', ...nameNodes(card.unopened.join(', '))),
        this.placeOf(card)
      );
    }
    const place = this.placeOf(card);
    if (card.cannotRun) {
      return [trans.__('Approve all waits: %1 cannot be decided here.', place)];
    }
    return [
      card.isBusy || card.isStopped
        ? trans.__(
            'Approve all waits until %1 is decided, or what you write there is closed.',
            place
          )
        : trans.__(
            'Approve all waits until you have seen %1 for a moment.',
            place
          )
    ];
  }

  /** Put a drawer in the place of the buttons. */
  private open(verdict: Verdict): void {
    this.problem = '';
    const back = (): void => this.close(verdict);
    const drawer =
      verdict === 'approved'
        ? this.approveDrawer(back)
        : (this.denial ??= this.denyDrawer(back));
    this.drawer = { ...drawer, verdict };
    this.isSeen = false;
    refill(this.controls, drawer.node, this.hint);
    this.unwatch = whenSeen(drawer.node, () => {
      this.isSeen = true;
      this.refresh();
    });
    this.refresh();
    drawer.initialFocus.focus({ preventScroll: true });
  }

  /** Put the buttons back, and the keyboard focus on the one that had opened the drawer. */
  private close(opener?: Verdict): void {
    this.unwatch();
    if (this.drawer) {
      this.drawer = null;
      refill(this.controls, this.buttons, this.hint);
    }
    if (opener) {
      const node = opener === 'approved' ? this.approve : this.deny;
      node.focus({ preventScroll: true });
    }
    this.refresh();
  }

  /** Make the drawer for the reason with which every call is denied. */
  private denyDrawer(back: () => void): IDrawer {
    return textDrawer(
      [
        trans.__('Why not?'),
        ' ',
        el(
          'span',
          'llm-type',
          trans.__('optional; the model reads it for each call')
        )
      ],
      trans._n('Deny %1 call', 'Deny %1 calls', this.cards.length),
      text => this.decide('denied', text),
      back,
      false
    );
  }

  /** Make the drawer that lists what runs, with the button that approves it. */
  private approveDrawer(back: () => void): IDrawer {
    const { length } = this.cards;
    const title = attrs(
      el(
        'h3',
        'llm-panel-title',
        trans._n(
          'Approve this call, once, with exactly these arguments',
          'Approve these %1 calls, once, with exactly these arguments',
          length
        )
      ),
      { tabindex: '-1' }
    );
    title.id = uniqueId();
    const list = el('ol', 'llm-covered', ...this.cards.map(coveredCall));
    const approve = button(
      'llm-button llm-primary',
      trans._n('Approve %1 call', 'Approve %1 calls', length),
      () => this.decide('approved')
    );
    const actions = el(
      'div',
      'llm-actions',
      approve,
      button('llm-button', trans.__('Back'), back)
    );
    const node = attrs(el('div', 'llm-panel', title, list, actions), {
      role: 'group',
      'aria-labelledby': title.id
    });
    return { node, consenting: [approve], initialFocus: title };
  }

  /** Send one decision about all cards, unless one was sent or none can be. */
  private decide(verdict: Verdict, text = ''): void {
    const { host, document } = this.context!;
    if (this.sent || !host.act || this.cards.some(card => card.isStopped)) {
      return;
    }
    const { cards } = this;
    this.sent = sentWords(verdict);
    this.sentFor = document;
    this.problem = '';
    cards.forEach(card => card.hold(this.sent));
    cards.forEach(card => card.onSent(card.request.id, verdict));
    this.refresh();
    host
      .act({
        type: 'decideAll',
        transcript: document.id,
        verdict,
        calls: cards.map(card => card.decisionOf(verdict)),
        ...(text && { text })
      })
      .catch((error: unknown) => {
        this.sent = '';
        this.problem = sentenceOf(error, trans.__('It could not be sent.'));
        cards.forEach(card => card.hold(''));
        this.refresh();
      });
  }
}

/** A line of the list of what runs: number, name, arguments and digest. */
function coveredCall(card: Card, at: number): HTMLElement {
  const { tool, params, digest } = card.request;
  const args = params.flatMap((param, number) => [
    number ? ', ' : '',
    ...nameNodes(param.name),
    '=',
    ...valueNodes(param)
  ]);
  return el(
    'li',
    '',
    el('span', '', String(at + 1)),
    el(
      'span',
      '',
      el('span', 'llm-name', ...nameNodes(tool)),
      ' ',
      el('span', 'llm-args', ...args)
    ),
    el('span', '', el('span', 'llm-code', shortDigest(digest)))
  );
}

function valueNodes(param: IParam): (Node | string)[] {
  return param.cut
    ? [
        el(
          'span',
          'llm-quiet',
          trans.__('%1 characters, opened by you', count(param.cut.total))
        )
      ]
    : visibleNodes(param.isText ? JSON.stringify(param.text) : param.text);
}
