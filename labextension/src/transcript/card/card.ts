/** The approval card: what a tool wants to do, drawn by us, and what a human answers. */

import type { ICallBlock, IRequest } from '../document';
import { noteNode } from '../dom/boxes';
import { attrs, el, refill, setText, uniqueId } from '../dom/elements';
import { clock, oneLine } from '../dom/formatting';
import { icon } from '../dom/icons';
import { visible, visibleNodes } from '../dom/visible';
import { isPending } from '../layout';
import type { IContext, IPiece } from '../piece';
import { ARMED_AFTER, whenSeen } from './arming';
import { unknownButtons, waitingButtons } from './buttons';
import type { IButtons } from './buttons';
import { makeDrawer } from './drawers';
import { EditDrawer } from './editDrawer';
import { Params } from './params';
import { band, fineprint, SENT, sourceOf, why } from './parts';
import type { DrawerName, IDrawer, Reply, Verdict } from './reply';

export class Card implements IPiece {
  readonly node = el('section', 'llm-ask');
  readonly request: IRequest;
  private readonly params: Params;
  private readonly bandIcon = el('span', 'llm-ask-glyph');
  private readonly bandTitle = el('span');
  private readonly bandFact = el('span');
  private readonly buttons: IButtons;
  private readonly hint = el('p', 'llm-hint');
  private readonly place = el('div');
  private readonly drawers = new Map<DrawerName, IDrawer>();
  private readonly unknown: boolean;
  private drawer: DrawerName | null = null;
  private context: IContext;
  private seen = false;
  private resting: ReturnType<typeof setTimeout> | undefined;
  /** What an editor takes the place of. */
  private readonly told: HTMLElement[];
  private footer: HTMLElement;
  private sent = '';
  private problem = '';
  private readonly unwatch: () => void;

  constructor(
    private readonly index: number,
    context: IContext,
    private readonly onSent: (request: string, verdict: Verdict) => void
  ) {
    const block = context.document.blocks[index] as ICallBlock;
    this.context = context;
    this.request = block.request!;
    this.unknown = block.status === 'unknown';
    this.params = new Params(
      this.request,
      () => {
        const { value } = this.context.host;
        return value && (name => value(this.request.id, name));
      },
      () => this.rest()
    );
    this.hint.id = uniqueId();
    const doing = {
      decide: (verdict: Verdict) => this.decide({ verdict }),
      open: (name: DrawerName) => this.openDrawer(name)
    };
    this.buttons = this.unknown
      ? unknownButtons(doing)
      : waitingButtons(this.request, doing);
    this.told = this.makeTold(block);
    this.footer = this.makeFooter();
    this.build();
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape' && this.drawer) {
        event.preventDefault();
        event.stopPropagation();
        this.openDrawer(null);
      }
    });
    this.unwatch = whenSeen(this.place, () => {
      this.seen = true;
      this.show();
    });
    this.show();
  }

  /** Whether a reader has had the time to read it. */
  get wasSeen(): boolean {
    return this.seen;
  }

  update(context: IContext): void {
    const wasBlocked = this.blocked;
    this.context = context;
    if (wasBlocked && !this.blocked) {
      this.problem = '';
    }
    this.show();
  }

  dispose(): void {
    this.unwatch();
    clearTimeout(this.resting);
  }

  /** What is shown has just changed: consent waits until it was there for a moment. */
  rest(): void {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.resting = undefined;
      this.show();
    }, ARMED_AFTER);
    this.show();
  }

  private get armed(): boolean {
    return (
      this.seen &&
      this.resting === undefined &&
      this.params.unopened.length === 0
    );
  }

  private get blocked(): string {
    const { host } = this.context;
    return (
      this.block?.request?.blocked ||
      host.blocked ||
      (host.act ? '' : 'Start the kernel to decide.')
    );
  }

  /** The call as it stands now. */
  private get block(): ICallBlock | undefined {
    return this.context.document.blocks[this.index] as ICallBlock | undefined;
  }

  /** Where the tool comes from, what it says of itself, and the arguments. */
  private makeTold(block: ICallBlock): HTMLElement[] {
    const { request } = this;
    const source = sourceOf(request);
    const origin = el(
      'p',
      'llm-ask-origin',
      ...request.origin.map(fact => el('span', '', visible(fact))),
      el('span', '', `asked by ${visible(this.context.document.model)}`),
      source && el('span', '', source.button)
    );
    return [
      origin,
      source && el('div', '', source.node),
      why(request, this.unknown),
      noteNode(visible(request.changed ?? '')),
      noteNode(visible(block.note ?? '')),
      this.params.node
    ].filter(node => node !== null);
  }

  private makeFooter(): HTMLElement {
    const call = visible(oneLine(this.block?.callId ?? '', 40));
    return fineprint(call, this.drawer === 'edit');
  }

  private build(): void {
    const { request } = this;
    const title = el(
      'h3',
      'llm-ask-tool',
      ...visibleNodes(oneLine(request.tool, 200))
    );
    title.id = uniqueId();
    this.bandTitle.id = uniqueId();
    this.node.classList.toggle('llm-destructive', request.destructive);
    attrs(this.node, {
      role: 'group',
      'aria-labelledby': `${this.bandTitle.id} ${title.id}`
    });
    this.place.append(this.buttons.node, this.hint);
    this.node.append(
      el(
        'header',
        'llm-ask-band',
        this.bandIcon,
        this.bandTitle,
        this.bandFact
      ),
      el('div', 'llm-ask-body', title, ...this.told, this.place),
      this.footer
    );
  }

  /** Put a drawer in the place of the buttons, or the buttons back. Drawers keep their drafts. */
  private openDrawer(name: DrawerName | null): void {
    const before = this.drawer;
    this.drawer = name;
    this.problem = '';
    this.told.forEach(node => {
      node.hidden = name === 'edit';
    });
    const footer = this.makeFooter();
    this.footer.replaceWith(footer);
    this.footer = footer;
    const drawer = name && this.drawerOf(name);
    refill(this.place, (drawer ?? this.buttons).node, this.hint);
    this.show();
    if (drawer) {
      drawer.first.focus({ preventScroll: true });
    } else if (before) {
      this.buttons.openers.get(before)?.focus({ preventScroll: true });
    }
  }

  private drawerOf(name: DrawerName): IDrawer {
    let drawer = this.drawers.get(name);
    if (!drawer) {
      drawer = makeDrawer(name, {
        request: this.request,
        unknown: this.unknown,
        params: this.params,
        decide: reply => this.decide(reply),
        back: () => this.openDrawer(null),
        changed: () => this.show()
      });
      this.drawers.set(name, drawer);
    }
    return drawer;
  }

  private decide(reply: Reply): void {
    const { act } = this.context.host;
    if (this.sent || !act || this.blocked) {
      return;
    }
    this.sent = SENT[reply.verdict];
    this.problem = '';
    this.show();
    this.onSent(this.request.id, reply.verdict);
    const { id, digest } = this.request;
    act({
      type: 'decide',
      transcript: this.context.document.id,
      request: id,
      digest,
      ...reply
    }).catch((error: unknown) => {
      this.sent = '';
      this.problem =
        String((error as Error)?.message ?? error) || 'It could not be sent.';
      this.show();
    });
  }

  /** Bring band, buttons and hint up to date. */
  private show(): void {
    this.showBand();
    const stopped = Boolean(this.sent || this.blocked);
    const drawer = this.drawer ? this.drawers.get(this.drawer) : undefined;
    const edit = drawer instanceof EditDrawer ? drawer : null;
    const all = this.place.querySelectorAll<HTMLElement>('button');
    const consenting = new Set<Element>([
      ...this.buttons.consenting,
      ...(drawer?.consenting ?? [])
    ]);
    for (const node of Array.from(all)) {
      const held =
        stopped ||
        (consenting.has(node) && (!this.armed || Boolean(edit?.problem)));
      attrs(node, {
        'aria-disabled': held ? 'true' : null,
        'aria-describedby': held ? this.hint.id : null
      });
    }
    for (const field of Array.from(
      this.place.querySelectorAll<HTMLTextAreaElement>('textarea, input')
    )) {
      field.readOnly = Boolean(this.sent);
    }
    refill(this.hint, ...this.hintNodes(edit));
    this.hint.hidden = !this.hint.textContent;
  }

  private hintNodes(edit: EditDrawer | null): (Node | string)[] {
    if (this.sent) {
      return [this.sent];
    }
    if (this.problem) {
      return [el('span', 'llm-is-error', visible(this.problem))];
    }
    if (this.blocked) {
      return [visible(this.blocked)];
    }
    const unopened = this.params.unopened;
    if (unopened.length && !edit && (!this.drawer || this.drawer === 'grant')) {
      return [
        'Approve waits until you have opened all of ',
        el('code', '', ...visibleNodes(unopened.join(', '))),
        '.'
      ];
    }
    if (edit) {
      return edit.hint();
    }
    if (this.drawer) {
      return [];
    }
    if (this.unknown) {
      return [];
    }
    if (this.resting !== undefined) {
      return ['Read it first: Approve takes a click in a moment.'];
    }
    if (this.request.destructive) {
      return ['Always allow is not offered for tools marked destructive.'];
    }
    return this.request.params.some(param => param.cut)
      ? ['You have seen every argument.']
      : [];
  }

  private showBand(): void {
    const editing = this.drawer === 'edit';
    const { glyph, title } = band(this.request, this.unknown, editing);
    if (this.bandIcon.dataset.glyph !== glyph) {
      this.bandIcon.dataset.glyph = glyph;
      refill(this.bandIcon, icon(glyph));
    }
    setText(this.bandTitle, title);
    setText(this.bandFact, this.fact());
  }

  private fact(): string {
    const pending = this.context.document.blocks.filter(isPending);
    const at = pending.findIndex(
      block => block.request?.id === this.request.id
    );
    const { destructive } = this.request;
    const facts = this.unknown
      ? this.started()
      : destructive && this.drawer === null
        ? 'Waiting for your approval. Nothing has run.'
        : 'Nothing has run.';
    if (pending.length > 1 && at >= 0) {
      return `${facts} ${at + 1} of ${pending.length}`;
    }
    return this.unknown || destructive || this.drawer
      ? facts
      : `${facts} The cell has ended; take your time.`;
  }

  private started(): string {
    const { began = '' } = this.context.document;
    const at = Date.parse(began) + 1000 * (this.block?.began ?? NaN);
    return Number.isNaN(at)
      ? 'It was started; no end is recorded.'
      : `Started ${clock(new Date(at).toISOString(), this.context.now)}; no end is recorded.`;
  }
}
