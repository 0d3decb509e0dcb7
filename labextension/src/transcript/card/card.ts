/**
 * The approval card: it shows what a tool wants to do, and takes a human's reply.
 *
 * Everything on it is drawn by us from the frozen request, never from the model's
 * text. A button that gives consent is held until the card is armed, that is,
 * until all of these hold:
 *
 * - the buttons have been in view for half a second;
 * - nothing relevant has changed for half a second, such as the text of a long
 *   value or the card's place on the page (`disarm`);
 * - every long value has been opened.
 *
 * The first click on a decision is the only one: the card then says what was
 * decided and holds all its buttons, unless the reply could not be sent. A held
 * button is `aria-disabled` and described by the hint, which says why.
 *
 * Drawers take the place of the buttons and keep their drafts while they are
 * closed.
 */

import { displayedDigest } from '../protocol/digest';
import type { IParam, IRequest } from '../protocol/document';
import { noteNode } from '../dom/boxes';
import { attrs, el, refill, setText, uniqueId } from '../dom/elements';
import { sentenceOf } from '../dom/formatting';
import { icon } from '../dom/icons';
import { nameNodes, visible } from '../dom/visible';
import { isPending } from '../drawing/layout';
import type { PendingCall } from '../drawing/layout';
import type { IContext, IPiece } from '../drawing/piece';
import { printedNodes } from '../calls/printed';
import { Arming } from './decision/arming';
import { bandFact, bandOf } from './band';
import { unknownButtons, waitingButtons } from './decision/buttons';
import type { IButtons } from './decision/buttons';
import { makeDrawer } from './drawers';
import { EditDrawer } from './arguments/editDrawer';
import { hold, lockFields } from './decision/holding';
import { Params } from './arguments/params';
import {
  dropOpener,
  hintBeforeConsent,
  idsOf,
  makeFineprint,
  makeOrigin,
  makeReasons,
  makeSource,
  sentHint,
  sentToSeries
} from './parts';
import type {
  DrawerName,
  IDrawer,
  Reply,
  Seen,
  Verdict
} from './decision/reply';
import { trans, withNodes } from '../dom/translation';

/** The piece of a call that a human must decide about. */
export class Card implements IPiece {
  readonly node = el('section', 'llm-ask');
  readonly request: IRequest;
  /** The call as it was when the card was drawn. */
  private readonly call: PendingCall;
  private readonly params: Params;
  private readonly bandIcon = el('span', 'llm-ask-glyph');
  private readonly bandTitle = el('span');
  private readonly bandFact = el('span');
  private readonly buttons: IButtons;
  private readonly hint = el('p', 'llm-hint');
  /** Holds the row of buttons or a drawer, and the hint. */
  private readonly controls = el('div');
  private readonly drawers = new Map<DrawerName, IDrawer>();
  /** Whether the call was interrupted while it was running. */
  readonly isUnknown: boolean;
  private drawer: DrawerName | null = null;
  private context: IContext;
  /** What the card says about the call. The editor takes its place. */
  private readonly description: HTMLElement[];
  private footer: HTMLElement;
  /** The button in the footer that opens the drawer to drop the question. */
  private readonly dropper = dropOpener(() => this.openDrawer('drop'));
  /** The hint once a reply was sent. */
  private sent = '';
  /** Whether the kernel may yet say that what was decided here does not count. */
  private isAwaited = false;
  /** Why the last reply could not be sent, or does not count. */
  private problem = '';
  private readonly arming: Arming;

  constructor(
    readonly index: number,
    readonly key: string,
    context: IContext,
    readonly onSent: (request: string, verdict: Verdict) => void,
    private readonly onChanged: () => void = () => undefined
  ) {
    this.call = context.document.blocks[index] as PendingCall;
    this.context = context;
    this.request = this.call.request;
    this.isUnknown = this.call.status === 'unknown';
    this.params = new Params(
      this.request,
      () => {
        const { value } = this.context.host;
        return value && (name => value(this.request.id, name));
      },
      () => this.disarm()
    );
    this.hint.id = uniqueId();
    const handlers = {
      decide: (verdict: Verdict) => this.decide({ verdict }),
      open: (name: DrawerName) => this.openDrawer(name)
    };
    this.buttons = this.isUnknown
      ? unknownButtons(handlers)
      : waitingButtons(this.request, handlers);
    this.description = this.makeDescription();
    this.footer = this.makeFooter();
    this.build();
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape' && this.drawer) {
        event.preventDefault();
        event.stopPropagation();
        this.openDrawer(null);
      }
    });
    this.arming = new Arming(this.controls, () => this.refresh());
    this.refresh();
  }

  /** Whether the reader has had time to read it. */
  get wasSeen(): boolean {
    return this.arming.wasSeen;
  }

  /** The long values that the reader has not opened yet. */
  get unopened(): string[] {
    return this.params.unopened;
  }

  /** Whether it would take consent now: it is armed, and nothing is being written in it. */
  get isReady(): boolean {
    return this.isArmed && !this.isStopped && !this.cannotRun && !this.isBusy;
  }

  /** Whether a form is open in it. */
  get isBusy(): boolean {
    return this.drawer !== null;
  }

  /** Whether it takes no decision at all. */
  get isStopped(): boolean {
    return Boolean(this.sent || this.blocked);
  }

  /** Say that a decision was sent, and take no other. With an empty text, take decisions again. */
  hold(sent: string): void {
    this.sent = sent;
    this.isAwaited ||= sent !== '';
    this.refresh();
  }

  /** What a decision says about this question: which it is, and what its reader has seen of it. */
  decisionOf(verdict: Verdict): Seen {
    const { id, model } = this.context.document;
    const { call, params, request } = this;
    // What is approved is what the reader has seen in full; for anything else the card is enough.
    const seen = (param: IParam): string =>
      (verdict === 'approved' ? params.textOf(param) : null) ?? param.text;
    const shown = displayedDigest(id, model, call, seen);
    return { request: request.id, digest: request.digest, shown };
  }

  update(context: IContext): void {
    const { blocked, cannotRun } = this;
    this.context = context;
    const refused = this.block?.request.refused;
    if (this.isAwaited && refused) {
      this.sent = '';
      this.isAwaited = false;
      this.problem = refused;
    } else if (this.cannotRun && this.cannotRun !== cannotRun) {
      this.sent = '';
    } else if ((blocked || cannotRun) && !this.blocked && !this.cannotRun) {
      this.problem = '';
    }
    this.refresh();
  }

  dispose(): void {
    this.arming.dispose();
  }

  /** Take no consent for half a second, because something has just changed. */
  disarm(): void {
    this.arming.disarm();
  }

  private get isArmed(): boolean {
    return this.arming.isArmed && this.params.unopened.length === 0;
  }

  /** Why nothing can be decided here; empty if something can. */
  get blocked(): string {
    const { document, host } = this.context;
    if (document.byKeyboard) {
      return trans.__('Answer in the field below: this cell waits for it.');
    }
    const unsaid = host.act
      ? ''
      : trans.__('As saved; start the kernel to decide.');
    return host.blocked || unsaid;
  }

  /** Why the call cannot be run here; empty if it can. It can be denied and dropped all the same. */
  get cannotRun(): string {
    return this.block?.request?.blocked ?? '';
  }

  /** The call as it is now. */
  private get block(): PendingCall | undefined {
    const block = this.context.document.blocks[this.index];
    return block && isPending(block) ? block : undefined;
  }

  /** Where the tool comes from, what it says about itself, and the arguments. */
  private makeDescription(): HTMLElement[] {
    const { call, request } = this;
    const source = makeSource(request);
    const { model } = this.context.document;
    return [
      makeOrigin(request, model, source?.button),
      source && el('div', '', source.node),
      ...makeReasons(request, this.isUnknown),
      ...printedNodes(call),
      noteNode(visible(request.changed ?? '')),
      noteNode(visible(call.note ?? '')),
      this.params.node
    ].filter(node => node !== null);
  }

  private makeFooter(): HTMLElement {
    const about = idsOf(this.call.callId, this.request);
    const dropper = this.drawer ? null : this.dropper;
    return makeFineprint(about, this.drawer === 'edit', dropper);
  }

  private build(): void {
    const { request } = this;
    const title = el('h3', 'llm-ask-tool', ...nameNodes(request.tool));
    title.id = uniqueId();
    this.bandTitle.id = uniqueId();
    this.node.classList.toggle('llm-destructive', request.destructive);
    attrs(this.node, {
      role: 'group',
      'aria-labelledby': `${this.bandTitle.id} ${title.id}`
    });
    this.controls.append(this.buttons.node, this.hint);
    this.node.append(
      el('div', 'llm-ask-band', this.bandIcon, this.bandTitle, this.bandFact),
      el('div', 'llm-ask-body', title, ...this.description, this.controls),
      this.footer
    );
  }

  /** Put a drawer in the place of the buttons, or with null the buttons back in their place. */
  private openDrawer(name: DrawerName | null): void {
    const before = this.drawer;
    this.drawer = name;
    this.problem = '';
    this.description.forEach(node => {
      node.hidden = name === 'edit';
    });
    const footer = this.makeFooter();
    this.footer.replaceWith(footer);
    this.footer = footer;
    const drawer = name && this.drawerOf(name);
    refill(this.controls, (drawer ?? this.buttons).node, this.hint);
    this.refresh();
    if (drawer) {
      drawer.initialFocus.focus({ preventScroll: true });
    } else if (before) {
      const opener =
        before === 'drop' ? this.dropper : this.buttons.openers.get(before);
      opener?.focus({ preventScroll: true });
    }
  }

  /** A drawer, made when it is first opened. */
  private drawerOf(name: DrawerName): IDrawer {
    let drawer = this.drawers.get(name);
    if (!drawer) {
      drawer = makeDrawer(name, {
        request: this.request,
        isUnknown: this.isUnknown,
        params: this.params,
        decide: reply => this.decide(reply),
        back: () => this.openDrawer(null),
        changed: () => this.refresh()
      });
      this.drawers.set(name, drawer);
    }
    return drawer;
  }

  /** Send a reply, unless one was sent or none can be. */
  private decide(reply: Reply): void {
    const { act } = this.context.host;
    const cannot = reply.verdict === 'approved' && this.cannotRun;
    if (this.sent || !act || this.blocked || cannot) {
      return;
    }
    const { document } = this.context;
    const decision = this.decisionOf(reply.verdict);
    const isLast = document.blocks.filter(isPending).length === 1;
    this.problem = '';
    this.hold(isLast || reply.drop ? sentHint(reply) : sentToSeries());
    this.onSent(this.request.id, reply.verdict);
    act({
      type: 'decide',
      transcript: document.id,
      ...decision,
      ...reply
    }).catch((error: unknown) => {
      this.isAwaited = false;
      this.problem = sentenceOf(error, trans.__('It could not be sent.'));
      this.hold('');
    });
  }

  /** Bring the band, the buttons and the hint up to date. */
  private refresh(): void {
    this.refreshBand();
    const { isStopped } = this;
    const drawer = this.drawer ? this.drawers.get(this.drawer) : undefined;
    const edit = drawer instanceof EditDrawer ? drawer : null;
    const buttons = Array.from(this.controls.querySelectorAll('button'));
    const approving = new Set<Element>([
      ...this.buttons.approving,
      ...(drawer?.consenting ?? [])
    ]);
    const consenting = new Set([...this.buttons.consenting, ...approving]);
    for (const node of [...buttons, this.dropper]) {
      const held =
        isStopped ||
        (approving.has(node) && Boolean(this.cannotRun)) ||
        (consenting.has(node) && (!this.isArmed || Boolean(edit?.problem)));
      hold(node, held, this.hint.id);
    }
    lockFields(this.controls, Boolean(this.sent));
    refill(this.hint, ...this.hintNodes(edit));
    this.hint.hidden = !this.hint.textContent;
    this.onChanged();
  }

  /** What keeps the reader from deciding, or what to know before it. */
  private hintNodes(edit: EditDrawer | null): (Node | string)[] {
    if (this.sent) {
      return [this.sent];
    }
    if (this.problem) {
      return [el('span', 'llm-is-error', visible(this.problem))];
    }
    if (this.blocked || this.cannotRun) {
      return [visible(this.blocked || this.cannotRun)];
    }
    const unopened = this.params.unopened;
    if (unopened.length && !edit && (!this.drawer || this.drawer === 'grant')) {
      return withNodes(
        trans.__('Approve waits until you have opened all of %1.'),
        el('code', '', ...nameNodes(unopened.join(', ')))
      );
    }
    if (edit) {
      return edit.hint();
    }
    if (this.drawer || this.isUnknown) {
      return [];
    }
    if (this.arming.isSettling) {
      return [trans.__('Read it first: Approve takes a click in a moment.')];
    }
    return [hintBeforeConsent(this.request)];
  }

  private refreshBand(): void {
    const isEditing = this.drawer === 'edit';
    const { glyph, title } = bandOf(this.request, this.isUnknown, isEditing);
    if (this.bandIcon.dataset.glyph !== glyph) {
      this.bandIcon.dataset.glyph = glyph;
      refill(this.bandIcon, icon(glyph));
    }
    setText(this.bandTitle, title);
    const { document, now } = this.context;
    const { block = this.call, index } = this;
    setText(this.bandFact, bandFact(block, document, index, this.isBusy, now));
  }
}
