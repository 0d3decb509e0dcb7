/** A transcript on the page: follows documents and deltas, and draws again only what changed. */

import { Markdown } from './answer/markdown';
import { Reasoning } from './answer/reasoning';
import { TextPiece } from './answer/textPiece';
import { Call } from './calls/call';
import { Group, Record } from './calls/groups';
import { Card } from './card/card';
import type { IDelta, ITranscript } from './document';
import { arrange, attrs, el, setText } from './dom/elements';
import type { IHost } from './host';
import { isPending, rowsOf } from './layout';
import type { Row } from './layout';
import type { IContext, IPiece } from './piece';
import { reduce } from './reducer';
import { Ending, Waiting } from './status';

/** A view may spend this share of the time on drawing; the rest is the reader's. */
const SHARE = 0.25;

/** What one drawing is taken to cost at most, in milliseconds: the page may be slow for reasons of its own. */
const LONGEST = 60;

export class TranscriptView {
  private readonly root = attrs(el('div', 'llm-transcript'), {
    role: 'region'
  });
  private readonly markdown = new Markdown();
  private readonly pieces = new Map<string, IPiece>();
  private readonly waiting = new Waiting();
  private readonly ending = new Ending();
  private readonly spoken = attrs(el('div', 'llm-sr'), {
    role: 'status',
    'aria-live': 'polite'
  });
  private readonly decided = new Map<string, 'here' | 'elsewhere'>();
  private current: ITranscript | null = null;
  /** When `current.seconds` was true. */
  private receivedAt = 0;
  private rows: Row[] = [];
  private frame = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private notBefore = 0;
  private ticker: ReturnType<typeof setInterval> | undefined;

  constructor(
    node: HTMLElement,
    private host: IHost
  ) {
    node.append(this.root);
    this.root.addEventListener('focusin', event => this.guardKeys(event));
    this.root.addEventListener('focusout', () =>
      this.root.removeAttribute('data-lm-suppress-shortcuts')
    );
  }

  /** What is shown; the last full document with every delta since. */
  get document(): ITranscript | null {
    return this.current;
  }

  /** Say who carries out what a reader does. */
  setHost(host: IHost): void {
    this.host = host;
    this.drawNow();
  }

  /** Show a document as a whole. Open drawers, drafts and folds stay where their subject is the same. */
  show(document: ITranscript): void {
    if (this.current && this.current.id !== document.id) {
      this.clear();
    }
    this.take(document);
    this.drawNow();
  }

  /** Take a change; drawn with the next frame. `gap`: the whole document must be asked for. */
  apply(delta: IDelta): 'applied' | 'old' | 'gap' {
    if (!this.current) {
      return 'gap';
    }
    const { result, document } = reduce(this.current, delta);
    if (result === 'applied') {
      this.take(document);
      this.drawSoon();
    }
    return result;
  }

  /** Take it off the page. */
  dispose(): void {
    this.clear();
    this.root.remove();
  }

  private clear(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    clearInterval(this.ticker);
    this.frame = 0;
    this.timer = undefined;
    this.ticker = undefined;
    this.pieces.forEach(piece => piece.dispose?.());
    this.pieces.clear();
    this.decided.clear();
    this.current = null;
  }

  private take(document: ITranscript): void {
    this.noticeDecisions(document);
    if (!this.current || document.seconds !== this.current.seconds) {
      this.receivedAt = this.now();
    }
    this.say(this.current, document);
    this.current = document;
  }

  private now(): number {
    return this.host.now?.() ?? Date.now();
  }

  /** A question whose card was read on this page was decided, and not here. */
  private noticeDecisions(next: ITranscript): void {
    if (!this.host.act) {
      return;
    }
    const open = new Set<string>();
    for (const piece of this.pieces.values()) {
      if (piece instanceof Card && piece.wasSeen) {
        open.add(piece.request.id);
      }
    }
    for (const block of next.blocks) {
      const id = block.kind === 'call' && block.decision && block.request?.id;
      if (id && open.has(id) && !this.decided.has(id)) {
        this.decided.set(id, 'elsewhere');
      }
    }
  }

  /** Tell a screen reader what matters, once. */
  private say(before: ITranscript | null, next: ITranscript): void {
    if (!before) {
      return;
    }
    const asked = new Set(
      before.blocks.filter(isPending).map(block => block.request!.id)
    );
    const fresh = next.blocks
      .filter(isPending)
      .filter(block => !asked.has(block.request!.id))
      .map(block => `Waiting for approval: ${block.request!.tool}`);
    if (before.state !== next.state && next.state === 'done') {
      fresh.push('Answer complete');
    }
    if (fresh.length) {
      setText(this.spoken, fresh.join('. '));
    }
  }

  private context(): IContext {
    const document = this.current!;
    const live = document.state === 'waiting' || document.state === 'streaming';
    const now = this.now();
    const since = live && this.host.act ? (now - this.receivedAt) / 1000 : 0;
    return {
      document,
      host: this.host,
      live,
      elapsed: document.seconds + Math.max(0, since),
      now,
      newest: document.blocks.length - 1,
      decided: this.decided
    };
  }

  /** Draw with the next frame, or later where drawing has been slow. */
  private drawSoon(): void {
    if (this.frame || this.timer) {
      return;
    }
    const wait = this.notBefore - performance.now();
    if (wait > 4) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.drawSoon();
      }, wait);
      return;
    }
    this.frame = requestAnimationFrame(() => this.drawNow());
  }

  private drawNow(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.frame = 0;
    this.timer = undefined;
    if (!this.current) {
      return;
    }
    const began = performance.now();
    const rest = (): void => {
      const took = Math.min(performance.now() - began, LONGEST);
      this.notBefore = began + took / SHARE;
    };
    this.draw(this.context());
    rest();
    // Once more when the page has been laid out and painted, which can cost more than the drawing.
    setTimeout(rest);
  }

  private draw(context: IContext): void {
    const { document } = context;
    const focused = this.focusedCard();
    this.rows = rowsOf(document, Boolean(this.host.act));
    const used = new Set<string>();
    const pieces = this.rows.map(row => this.pieceOf(row, used, context));
    for (const [key, piece] of this.pieces) {
      if (!used.has(key) && !this.isKept(key, document)) {
        piece.dispose?.();
        this.pieces.delete(key);
      }
    }
    this.waiting.update(context);
    this.ending.update(context);
    attrs(this.root, {
      'aria-label': labelOf(document),
      'aria-busy': context.live ? 'true' : null
    });
    if (this.isShifted(pieces)) {
      this.pieces.forEach(piece => piece instanceof Card && piece.rest());
    }
    arrange(this.root, [
      ...pieces.map(piece => piece.node),
      this.waiting.node,
      this.ending.node,
      this.spoken
    ]);
    if (focused !== null && !this.root.contains(focused.card.node)) {
      this.focusCall(focused.block);
    }
    this.keepTime(context);
  }

  /** Whether a card leaves the page, so that the next one may now be under the pointer of a double click. */
  private isShifted(pieces: IPiece[]): boolean {
    const staying = new Set(pieces.map(piece => piece.node));
    return Array.from(this.root.querySelectorAll(':scope > .llm-ask')).some(
      node => !staying.has(node as HTMLElement)
    );
  }

  private pieceOf(row: Row, used: Set<string>, context: IContext): IPiece {
    used.add(row.key);
    let piece = this.pieces.get(row.key);
    if (!piece) {
      piece = this.makePiece(row, context);
      this.pieces.set(row.key, piece);
    }
    if (piece instanceof Group || piece instanceof Record) {
      const { rows } = row as Extract<Row, { rows: Row[] }>;
      piece.set(rows, inner => this.pieceOf(inner, used, context));
    } else if (piece instanceof Call) {
      piece.place(null);
    }
    piece.update(context);
    return piece;
  }

  private makePiece(row: Row, context: IContext): IPiece {
    switch (row.kind) {
      case 'text':
        return new TextPiece(row.block, this.markdown, () => this.host);
      case 'reasoning':
        return new Reasoning(row.block);
      case 'call':
        return new Call(row.block);
      case 'card':
        return new Card(row.block, context, request =>
          this.decided.set(request, 'here')
        );
      case 'group':
        return new Group();
      case 'record':
        return new Record();
    }
  }

  /** A card whose question is still open keeps its drafts while no kernel is there. */
  private isKept(key: string, document: ITranscript): boolean {
    const piece = this.pieces.get(key);
    return (
      piece instanceof Card &&
      document.blocks.some(
        block => isPending(block) && block.request?.id === piece.request.id
      )
    );
  }

  private focusedCard(): { card: Card; block: string } | null {
    const root = this.root.getRootNode() as Document | ShadowRoot;
    const active = root.activeElement;
    for (const piece of this.pieces.values()) {
      if (piece instanceof Card && active && piece.node.contains(active)) {
        return { card: piece, block: piece.request.id };
      }
    }
    return null;
  }

  /** Move the reader's focus to the line that stands where a card was. */
  private focusCall(request: string): void {
    const index = this.current!.blocks.findIndex(
      block => block.kind === 'call' && block.request?.id === request
    );
    const piece = this.pieces.get(`call:${index}`);
    if (piece instanceof Call) {
      piece.focus();
    }
  }

  /** Count seconds while something runs. */
  private keepTime(context: IContext): void {
    const ticking = context.live && Boolean(this.host.act);
    if (!ticking) {
      clearInterval(this.ticker);
      this.ticker = undefined;
    } else {
      this.ticker ??= setInterval(() => this.tick(), 1000);
    }
  }

  private tick(): void {
    if (!this.root.isConnected) {
      clearInterval(this.ticker);
      this.ticker = undefined;
      return;
    }
    const context = this.context();
    this.waiting.tick(context);
    this.pieces.forEach(piece => piece.tick?.(context));
  }

  /** JupyterLab's own keys rest while the keyboard is in a card, a field or on a control here. */
  private guardKeys(event: FocusEvent): void {
    const target = event.target as HTMLElement;
    if (target.closest('.llm-ask') || isKeyboardFocus(target)) {
      this.root.setAttribute('data-lm-suppress-shortcuts', 'true');
    }
  }
}

function labelOf(document: ITranscript): string {
  const kind =
    document.state === 'interrupted' ? 'Interrupted answer' : 'Answer';
  return document.error && document.blocks.length === 0
    ? 'No answer'
    : `${kind} from ${document.model}`;
}

function isKeyboardFocus(target: HTMLElement): boolean {
  try {
    return target.matches(':focus-visible');
  } catch {
    return false;
  }
}
