/**
 * Shows a transcript on the page: follows documents and deltas, and draws again
 * only what has changed.
 *
 * A drawing turns the document into rows (`layout.ts`) and each row into a piece.
 * A piece is kept as long as its row has the same key, so that folds stay open
 * and drafts stay written whatever else happens. A delta only asks for a drawing
 * with the next frame; if drawing is slow, frames are left out, so that the page
 * stays responsive.
 *
 * Three rules protect a reader who is about to decide. When a card goes, the
 * keyboard focus moves to the line that takes its place. The other cards then
 * take no consent for a moment, because one of them may have moved under the
 * pointer in the middle of a double click. And a card whose question is still
 * open is kept with its drafts while there is no kernel to answer.
 */

import type { LoadTypesetter } from './answer/formulas/formulas';
import { Markdown } from './answer/markdown/markdown';
import { SourceList } from './answer/sources';
import { Call } from './calls/call';
import { GatheredSteps, CallGroup } from './calls/groups';
import { Announcer } from './status/announcing';
import { ProposalPiece } from './answer/proposal';
import { Card } from './card/card';
import { Series } from './card/series';
import type { IDelta, ITranscript } from './protocol/document';
import { row as boxRow } from './dom/boxes';
import { arrange, attrs, el } from './dom/elements';
import { suppressShortcuts } from './dom/shortcuts';
import type { IHost } from './drawing/host';
import { isPending, keyOfCard, rowsOf } from './drawing/layout';
import type { Row } from './drawing/layout';
import { Pace } from './drawing/pace';
import type { IContext, IPiece } from './drawing/piece';
import { makePiece } from './makePiece';
import type { ISurroundings } from './makePiece';
import { reduce } from './protocol/reducer';
import { AskKernelButton } from './status/askKernel';
import { HeldUpNotice } from './status/heldUp';
import { Job } from './jobs/job';
import { SentSummary } from './prompt/sent';
import { Ending, labelOf } from './status/ending';
import { WaitingNotice } from './status/waiting';
import { trans } from './dom/translation';

/** A transcript on the page. */
export class TranscriptView {
  private readonly root = attrs(el('div', 'llm-transcript'), {
    role: 'region'
  });
  private readonly markdown: Markdown;
  private readonly surroundings: ISurroundings;
  private readonly pieces = new Map<string, IPiece>();
  private readonly sent = new SentSummary();
  private readonly proposed = new ProposalPiece();
  private readonly job = new Job();
  private readonly sources = new SourceList();
  private readonly waiting = new WaitingNotice();
  private readonly askKernel = new AskKernelButton();
  private readonly ending = new Ending();
  private readonly series = new Series();
  private readonly heldUp = new HeldUpNotice();
  /** The pieces above and below the rows, each of which is there once. */
  private readonly aroundPieces: IPiece[] = [
    this.sent,
    this.proposed,
    this.job,
    this.sources,
    this.waiting,
    this.askKernel,
    this.ending,
    this.heldUp
  ];
  private readonly announcer = new Announcer();
  /** Requests whose cards were shown here, and where they were decided. */
  private readonly decided = new Map<string, 'here' | 'elsewhere'>();
  private current: ITranscript | null = null;
  /** When `current.seconds` last changed. */
  private receivedAt = 0;
  private label = '';
  private name = '';
  private readonly pace = new Pace(() => this.draw());
  private ticker: ReturnType<typeof setInterval> | undefined;

  constructor(
    node: HTMLElement,
    private host: IHost,
    loadTypesetter?: LoadTypesetter
  ) {
    this.markdown = new Markdown(loadTypesetter);
    this.surroundings = {
      markdown: this.markdown,
      host: () => this.host,
      decided: request => this.decided.set(request, 'here'),
      changed: this.series.refresh
    };
    node.append(this.root);
    suppressShortcuts(this.root);
  }

  /** The document that is shown: the last whole one with every delta since. */
  get document(): ITranscript | null {
    return this.current;
  }

  /** Set the host, which carries out what the reader does. */
  setHost(host: IHost): void {
    this.host = host;
    this.pace.now();
  }

  /**
   * Show a whole document, for which `host` carries out what the reader does, if
   * it is another one than before. Drawers, drafts and folds stay open if they are
   * about the same thing.
   */
  show(document: ITranscript, host: IHost = this.host): void {
    if (this.current && this.current.id !== document.id) {
      this.clear();
    }
    this.host = host;
    this.setDocument(document);
    this.pace.now();
  }

  /** Show one line in place of a document that this version cannot read. */
  showUnreadable(): void {
    this.clear();
    const line = el(
      'span',
      'llm-quiet',
      trans.__('An answer was saved here that this version cannot read.')
    );
    arrange(this.root, [boxRow('question', '', line)]);
  }

  /** Apply a change, to be drawn with the next frame. After a `gap` the caller must ask for the whole document. */
  apply(delta: IDelta): 'applied' | 'old' | 'gap' {
    if (!this.current) {
      return 'gap';
    }
    const { result, document } = reduce(this.current, delta);
    if (result === 'applied') {
      this.setDocument(document);
      this.pace.soon();
    }
    return result;
  }

  /** Remove the transcript from the page. */
  dispose(): void {
    this.clear();
    this.root.remove();
  }

  private clear(): void {
    this.pace.cancel();
    clearInterval(this.ticker);
    this.ticker = undefined;
    this.pieces.forEach(piece => piece.dispose?.());
    this.pieces.clear();
    this.series.dispose();
    this.decided.clear();
    this.current = null;
  }

  private setDocument(document: ITranscript): void {
    this.markDecisionsElsewhere(document);
    const { current } = this;
    // The clock of a turn stops while a human decides.
    const isNews =
      document.seconds !== current?.seconds || document.state !== current.state;
    if (isNews) {
      this.receivedAt = this.now();
    }
    this.announcer.announce(this.current, document);
    this.current = document;
  }

  /** Whether a kernel may be working on what is shown. */
  private get isLive(): boolean {
    return Boolean(this.host.act) || Boolean(this.host.live);
  }

  private now(): number {
    return this.host.now?.() ?? Date.now();
  }

  /** Mark questions whose cards the reader has seen here, but which were decided somewhere else. */
  private markDecisionsElsewhere(next: ITranscript): void {
    if (!this.host.act) {
      return;
    }
    const seen = new Set<string>();
    for (const piece of this.pieces.values()) {
      if (piece instanceof Card && piece.wasSeen) {
        seen.add(piece.request.id);
      }
    }
    for (const block of next.blocks) {
      const id = block.kind === 'call' && block.decision && block.request?.id;
      if (id && seen.has(id) && !this.decided.has(id)) {
        this.decided.set(id, 'elsewhere');
      }
    }
  }

  private context(): IContext {
    const document = this.current!;
    const live = document.state === 'waiting' || document.state === 'streaming';
    const now = this.now();
    const since = live && this.isLive ? (now - this.receivedAt) / 1000 : 0;
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

  private draw(): void {
    if (!this.current) {
      return;
    }
    this.markdown.slices.begin();
    const context = this.context();
    const { document } = context;
    const focused = this.focusedRequest();
    const used = new Set<string>();
    const rows = rowsOf(document, Boolean(this.host.act));
    const pieces = rows.map(row => this.pieceOf(row, used, context));
    for (const [key, piece] of this.pieces) {
      if (!used.has(key) && !isKept(piece, document)) {
        piece.dispose?.();
        this.pieces.delete(key);
      }
    }
    const cards = pieces.filter(
      (piece): piece is Card => piece instanceof Card
    );
    this.series.update(context, cards);
    this.aroundPieces.forEach(piece => piece.update(context));
    attrs(this.root, {
      'aria-label': this.nameFor(labelOf(document)),
      'aria-busy': context.live ? 'true' : null
    });
    this.disarmMoved(cards, pieces);
    this.arrange(pieces, cards[0]);
    if (focused && !this.root.contains(focused.node)) {
      this.focusCall(focused.request);
    }
    this.runClock(context);
  }

  /** Hold the buttons of the cards that come back or may have moved under the pointer. */
  private disarmMoved(cards: Card[], pieces: IPiece[]): void {
    const loses = this.losesCard(pieces);
    for (const card of cards) {
      const isBack = !this.root.contains(card.node);
      if (loses || (isBack && card.wasSeen)) {
        card.disarm();
      }
    }
  }

  /** Put everything on the page in its order. */
  private arrange(pieces: IPiece[], firstCard: Card | undefined): void {
    this.root.classList.toggle('llm-series', this.series.hasFoot);
    arrange(this.root, [
      ...(this.current?.sent?.length ? [this.sent.node] : []),
      this.job.node,
      ...pieces.flatMap(piece =>
        piece === firstCard && this.series.hasHead
          ? [this.series.head, piece.node]
          : [piece.node]
      ),
      ...(this.series.hasFoot ? [this.series.foot] : []),
      this.proposed.node,
      this.sources.node,
      this.waiting.node,
      this.askKernel.node,
      this.ending.node,
      this.heldUp.node,
      this.announcer.node
    ]);
  }

  /** The name of the region. Names are compared with those of other transcripts only when this one gets another label. */
  private nameFor(label: string): string {
    if (label !== this.label) {
      this.label = label;
      this.name = ownLabel(this.root, label);
    }
    return this.name;
  }

  /** Whether a card that is on the page is not among these pieces. */
  private losesCard(pieces: IPiece[]): boolean {
    const staying = new Set(pieces.map(piece => piece.node));
    return Array.from(this.root.querySelectorAll(':scope > .llm-ask')).some(
      node => !staying.has(node as HTMLElement)
    );
  }

  /** The piece of a row, brought up to date. */
  private pieceOf(row: Row, used: Set<string>, context: IContext): IPiece {
    used.add(row.key);
    let piece = this.pieces.get(row.key);
    if (!piece) {
      piece = makePiece(row, context, this.surroundings);
      this.pieces.set(row.key, piece);
    }
    if (piece instanceof CallGroup || piece instanceof GatheredSteps) {
      const { rows } = row as Extract<Row, { rows: Row[] }>;
      piece.setRows(rows, inner => this.pieceOf(inner, used, context));
    } else if (piece instanceof Call) {
      piece.setSpan(null);
    }
    piece.update(context);
    return piece;
  }

  /** The card with the keyboard focus, or the foot of several, and the request that is decided there first. */
  private focusedRequest(): { node: HTMLElement; request: string } | null {
    const root = this.root.getRootNode() as Document | ShadowRoot;
    const active = root.activeElement;
    const cards = [...this.pieces.values()].filter(
      (piece): piece is Card => piece instanceof Card
    );
    const { foot } = this.series;
    const inFoot = active !== null && foot.contains(active);
    const card = cards.find(one => inFoot || one.node.contains(active));
    return card
      ? { node: inFoot ? foot : card.node, request: card.request.id }
      : null;
  }

  /** Move the keyboard focus to the line of the call that a request was about. */
  private focusCall(request: string): void {
    const index = this.current!.blocks.findIndex(
      block => block.kind === 'call' && block.request?.id === request
    );
    const piece = this.pieces.get(`call:${index}`);
    if (piece instanceof Call) {
      piece.focus();
    }
  }

  /** Count seconds while the turn is live. */
  private runClock(context: IContext): void {
    const ticking = context.live && this.isLive;
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
}

/** A name for this node that no other transcript on the page has, so that a screen reader can tell them apart. */
function ownLabel(node: HTMLElement, label: string): string {
  const others = new Set(
    Array.from(node.ownerDocument.querySelectorAll('.llm-transcript'))
      .filter(other => other !== node)
      .map(other => other.getAttribute('aria-label'))
  );
  let own = label;
  for (let number = 2; others.has(own); number += 1) {
    own = `${label} (${number})`;
  }
  return own;
}

/** Whether a piece without a row is kept: a card whose question is still open, and the same in everything that it shows. */
function isKept(piece: IPiece, document: ITranscript): boolean {
  return (
    piece instanceof Card &&
    document.blocks.some(
      (block, index) =>
        isPending(block) && keyOfCard(document, block, index) === piece.key
    )
  );
}
