/** The approval card: what a tool wants to do, drawn by us, and what a human answers. */

import { whenSeen } from './arming';
import type { Action, ICallBlock, IRequest, Scope } from './document';
import { granting, writing } from './drawers';
import type { IDrawer } from './drawers';
import { band, fineprint, SENT, sourceOf, why } from './cardParts';
import type { Verdict } from './cardParts';
import { EditDrawer } from './edit';
import { attrs, button, el, refill, setText, uniqueId } from './elements';
import { icon } from './icons';
import { isPending } from './layout';
import { noteNode, Params } from './params';
import type { IContext, IPiece } from './piece';
import { oneLine } from './words';
import { visible, visibleNodes } from './visible';

type Answer = Partial<Extract<Action, { type: 'decide' }>> & {
  verdict: Verdict;
};
type DrawerName = 'edit' | 'deny' | 'answer' | 'grant';

export class Card implements IPiece {
  readonly node = el('section', 'llm-ask');
  readonly request: IRequest;
  private readonly params: Params;
  private readonly bandIcon = el('span', 'llm-ask-glyph');
  private readonly bandTitle = el('span');
  private readonly bandFact = el('span');
  private readonly actions: HTMLElement;
  private readonly hint = el('p', 'llm-hint');
  private readonly place = el('div');
  private readonly openers = new Map<DrawerName, HTMLButtonElement>();
  private readonly drawers = new Map<DrawerName, IDrawer>();
  private readonly consenting: HTMLButtonElement[] = [];
  private readonly unknown: boolean;
  private drawer: DrawerName | null = null;
  private context: IContext;
  private seen = false;
  /** After a long value was opened: not before it was there for a moment. */
  private resting = false;
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
    this.actions = this.unknown ? this.unknownActions() : this.ownActions();
    this.build(block);
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

  update(context: IContext): void {
    this.context = context;
    this.show();
  }

  dispose(): void {
    this.unwatch();
  }

  private get armed(): boolean {
    return this.seen && !this.resting && this.params.unopened.length === 0;
  }

  private get blocked(): string {
    const { host } = this.context;
    const now = (
      this.context.document.blocks[this.index] as ICallBlock | undefined
    )?.request;
    return (
      now?.blocked ||
      host.blocked ||
      (host.act ? '' : 'Start the kernel to decide.')
    );
  }

  private build(block: ICallBlock): void {
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
    this.place.append(this.actions, this.hint);
    const source = sourceOf(request);
    this.node.append(
      el(
        'header',
        'llm-ask-band',
        this.bandIcon,
        this.bandTitle,
        this.bandFact
      ),
      el(
        'div',
        'llm-ask-body',
        title,
        el(
          'p',
          'llm-ask-origin',
          ...request.origin.map(fact => el('span', '', visible(fact))),
          el('span', '', `asked by ${visible(this.context.document.model)}`),
          source && el('span', '', source.button)
        ),
        source?.node,
        why(request, this.unknown),
        noteNode(request.changed ? visible(request.changed) : ''),
        this.params.node,
        this.place
      ),
      fineprint(visible(oneLine(block.callId, 40)))
    );
  }

  private ownActions(): HTMLElement {
    const { request } = this;
    const approve = button(
      'llm-button llm-primary' + (request.destructive ? ' llm-danger' : ''),
      'Approve',
      () => this.decide({ verdict: 'approved' })
    );
    this.consenting.push(approve);
    const node = el('div', 'llm-actions', approve);
    if (request.params.length) {
      node.append(this.opener('edit', 'Edit…'));
    }
    node.append(
      this.opener('deny', 'Deny…'),
      this.opener('answer', 'Answer myself…')
    );
    if (request.grants.length && !request.destructive) {
      const always = this.opener('grant', 'Always allow ');
      always.classList.add('llm-far');
      always.append(icon('chevron', 'llm-turner llm-down'));
      node.append(always);
    }
    return attrs(node, { role: 'group', 'aria-label': 'Decision' });
  }

  private unknownActions(): HTMLElement {
    const again = button('llm-button', 'It did not run', () =>
      this.decide({ verdict: 'approved' })
    );
    const give = button('llm-button', 'I cannot tell', () =>
      this.decide({ verdict: 'abandoned' })
    );
    this.consenting.push(again, give);
    const node = el(
      'div',
      'llm-ways llm-ask-ways',
      this.opener('answer', 'It ran…'),
      el('span', '', 'Tell the model what came of it.'),
      again,
      el('span', '', 'Run it now, once, with these arguments.'),
      give,
      el('span', '', 'Tell the model that the outcome is unknown and go on.')
    );
    return attrs(node, { role: 'group', 'aria-label': 'Did it run?' });
  }

  private opener(name: DrawerName, label: string): HTMLButtonElement {
    const node = attrs(
      button('llm-button', label, () => this.openDrawer(name)),
      { 'aria-expanded': 'false' }
    );
    this.openers.set(name, node);
    return node;
  }

  /** Put a drawer in the place of the buttons, or the buttons back. Drawers keep their drafts. */
  private openDrawer(name: DrawerName | null): void {
    const before = this.drawer;
    this.drawer = name;
    this.problem = '';
    this.params.node.hidden = name === 'edit';
    const drawer = name && this.drawerOf(name);
    refill(this.place, drawer ? drawer.node : this.actions, this.hint);
    this.show();
    if (drawer) {
      drawer.first.focus({ preventScroll: true });
    } else if (before) {
      this.openers.get(before)?.focus({ preventScroll: true });
    }
  }

  private drawerOf(name: DrawerName): IDrawer {
    let drawer = this.drawers.get(name);
    if (!drawer) {
      drawer = this.makeDrawer(name);
      this.drawers.set(name, drawer);
    }
    return drawer;
  }

  private makeDrawer(name: DrawerName): IDrawer {
    const back = (): void => this.openDrawer(null);
    const tool = (): Node[] => visibleNodes(this.request.tool);
    const aside = (...text: (string | Node)[]): Node =>
      el('span', 'llm-type', ...text);
    switch (name) {
      case 'edit':
        return new EditDrawer(
          this.request,
          this.params,
          changes => this.decide({ verdict: 'approved', arguments: changes }),
          back,
          () => this.show()
        );
      case 'deny':
        return writing(
          ['Why not? ', aside('optional; the model reads it and goes on')],
          'Deny',
          text => this.decide({ verdict: 'denied', text }),
          back,
          false
        );
      case 'answer':
        return writing(
          this.unknown
            ? ['What came of it? ', aside('given to the model as its result')]
            : [
                'Your answer ',
                aside(
                  'given to the model as what ',
                  el('code', '', ...tool()),
                  ' returned; the tool does not run'
                )
              ],
          'Answer',
          text => this.decide({ verdict: 'answered', text }),
          back,
          true
        );
      case 'grant':
        return granting(
          this.request,
          tool(),
          (grant: Scope) => this.decide({ verdict: 'approved', grant }),
          back
        );
    }
  }

  /** A long value has just been opened: consent waits until it was there for a moment. */
  private rest(): void {
    this.resting = true;
    this.show();
    setTimeout(() => {
      this.resting = false;
      this.show();
    }, 500);
  }

  private decide(answer: Answer): void {
    const { act } = this.context.host;
    if (this.sent || !act || this.blocked) {
      return;
    }
    this.sent = SENT[answer.verdict];
    this.problem = '';
    this.show();
    this.onSent(this.request.id, answer.verdict);
    const { id, digest } = this.request;
    act({
      type: 'decide',
      transcript: this.context.document.id,
      request: id,
      digest,
      ...answer
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
      ...this.consenting,
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
    if (!this.armed && !this.unknown && this.resting) {
      return ['Read it first: Approve takes a click in a moment.'];
    }
    return this.request.destructive && !this.unknown
      ? ['Always allow is not offered for tools marked destructive.']
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
      ? 'It was started; no end is recorded.'
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
}
