/**
 * Draws one text of an answer while it grows.
 *
 * A text arrives in hundreds of deltas. To parse and draw all of it for each of
 * them would take time quadratic in its length, and would replace nodes in
 * which the reader has just selected something. So the text is cut in two at
 * `settled`:
 *
 * - The text before it is settled: nothing that follows can change how it
 *   looks. Its nodes stay on the page, and it is never parsed again.
 * - The text after it is open. It is parsed with every delta, and each of its
 *   top-level blocks is a piece. A piece whose source is unchanged keeps its
 *   nodes, a code block that has only grown is extended, and everything from
 *   the first other piece on is drawn again.
 *
 * A block settles when enough blocks have followed it (`OPEN`), because the
 * next one may still change it: a line of `===` turns a paragraph into a
 * heading. A list, a table or code is one block however long it is, so a long
 * one also settles item by item, row by row or line by line (`growing.ts`).
 *
 * Two things reach back into settled text. Items of a list may turn out to be
 * paragraphs, or a link may be defined after the text that uses it; then all of
 * it is drawn again, the latter when the text is complete.
 *
 * No text holds up the page, however long it is and whatever it contains. It is
 * read in portions, each as if the text were still growing, and when the time
 * of a slice is over, the rest is drawn with the next frames. A block ends
 * where a whole portion of it settles nothing, because nobody is meant to read
 * such a text.
 */

import { el } from '../../dom/elements';
import type { IHost } from '../../drawing/host';
import {
  areFull,
  isList,
  isLong,
  isLoose,
  loosen,
  removeOpen,
  rowStarts,
  settledCode,
  settledRows
} from './growing';
import type { IRows, ISettled } from './growing';
import { isCode, Markdown } from '../markdown/markdown';
import { OpenPieces, removePiece } from './openPieces';
import type { IOpenPiece } from './openPieces';
import { noLinks } from '../markdown/parser';
import { Budget } from './budget';
import { batchOf, lastLineIn, portionEnd } from './portions';
import type { IBlock, Links } from '../markdown/parser';

/** How many pieces at the end stay open: the last one grows, and what follows it may become part of it. */
const OPEN = 2;

/** A longer text is not drawn again because of a link that is defined late. */
const MAX_REDRAWN = 100_000;

/** One text of an answer on the page. */
export class Answer {
  readonly node = el('article', 'llm-answer');
  /** Where pieces are drawn: the node, or what will replace its content when all of it is there. */
  private target: HTMLElement = this.node;
  private text = '';
  private growing = false;
  /** The text with every line break as `\n`, as the parser sees it. */
  private source = '';
  /** How many characters of `source` are settled. */
  private settled = 0;
  /** What the parser must read before the open text: the head of a table or the fence of code whose beginning is settled. */
  private lead = '';
  private open: IOpenPiece[] = [];
  /** The links that settled text defines. One that is still being written does not count. */
  private links = noLinks();
  /** Where the lists begin whose items turned out to be paragraphs only after some of them were settled. */
  private readonly looseLists = new Set<number>();
  /** A full list that continues as another one: where its next item begins in the text, and that item's number. */
  private full?: { rows: IRows; at: number; next: number };
  /** How many links were known when the first piece settled. */
  private firstLinkCount = 0;
  private readonly caret = el('span', 'llm-caret');
  private isOver = false;
  private readonly drawOn = (): void => this.draw();
  /** Whether something that was drawn is still wanted. */
  private readonly isWanted = (node: Node): boolean =>
    !this.isOver && (this.node.contains(node) || this.target.contains(node));

  private readonly pieces: OpenPieces;
  private readonly budget: Budget;

  constructor(
    private readonly markdown: Markdown,
    host: () => IHost
  ) {
    this.budget = new Budget(markdown.slices);
    this.pieces = new OpenPieces(
      markdown,
      host,
      this.isWanted,
      () => this.target
    );
  }

  /** Show a text. `growing` says that more of it may come. */
  update(text: string, growing: boolean): void {
    const wasComplete = !this.growing && this.source !== '';
    this.growing = growing;
    if (wasComplete && (growing || text !== this.text)) {
      // What was settled as the end of the text may continue.
      this.redraw(noLinks());
    }
    if (text !== this.text || this.source === '') {
      this.append(text);
    }
    // A drawing that is behind continues with the next frame anyway. What it draws now would be laid out with what that frame has drawn.
    if (!this.markdown.slices.isWaiting(this.drawOn)) {
      this.budget.beginUpdate();
      this.draw();
    }
  }

  /** Stop drawing. */
  dispose(): void {
    this.isOver = true;
    this.markdown.slices.cancel(this.drawOn);
  }

  private append(text: string): void {
    if (!text.startsWith(this.text)) {
      this.reset();
    }
    let more = text.slice(this.text.length);
    if (this.growing && /[\r\ud800-\udbff]/.test(more.slice(-1))) {
      // The other half of the line break or character may be in the next delta.
      more = more.slice(0, -1);
    }
    this.text += more;
    this.source += more.replace(/\r\n?/g, '\n');
  }

  private reset(): void {
    this.text = '';
    this.source = '';
    this.target = this.node;
    this.node.textContent = '';
    this.looseLists.clear();
    this.restart(noLinks());
  }

  /** Settle nothing, so that all of the text is drawn again with these links. */
  private restart(links: Links): void {
    this.settled = 0;
    this.lead = '';
    this.open = [];
    this.links = links;
    this.firstLinkCount = countOf(links);
    this.full = undefined;
    this.pieces.reset();
  }

  /** Draw all of the text again. What is on the page stays there until that is done. */
  private redraw(links: Links): void {
    this.restart(links);
    this.target = el('article', 'llm-answer');
  }

  /** Draw what is not drawn yet, as far as the time allows. */
  private draw(): void {
    this.markdown.slices.cancel(this.drawOn);
    this.caret.remove();
    this.budget.beginFrame();
    while (!this.drawPortion()) {
      if (this.budget.isSpent) {
        this.markdown.slices.later(this.drawOn);
        break;
      }
    }
    this.node.classList.toggle('llm-dense', this.pieces.isDense);
    this.placeCaret();
  }

  /** Parse the next portion and draw of it what the time allows. Returns whether the text is drawn to its end. */
  private drawPortion(): boolean {
    const before = this.settled;
    const end = portionEnd(this.source, this.settled);
    const isLast = end === this.source.length;
    const rest = this.lead + this.source.slice(this.settled, end);
    const { blocks, links, endsOpen } = this.markdown.parse(
      rest,
      this.links,
      this.growing && isLast
    );
    this.budget.takePortion(rest);
    const latest = this.open[this.open.length - 1];
    if (latest?.isOpen && !endsOpen) {
      // Its source may be unchanged, but the parser reads it in another way.
      latest.raw = '';
    }
    const rows = this.open[0]?.rows;
    if (blocks[0] && isList(blocks[0]) && rows?.settled) {
      if (rows.loose) {
        loosen(blocks[0]);
      } else if (isLoose(blocks[0]) && this.source.length < MAX_REDRAWN) {
        // Without this note, the beginning would be settled as it was before.
        this.looseLists.add(rows.from);
        this.redraw(noLinks());
        return false;
      }
    }
    this.loosenKnown(blocks);
    const goesOn = this.continueFull(blocks[0]);
    const isEnd = isLast && !this.growing;
    const isDrawn = this.drawOpen(blocks, isEnd);
    if (goesOn) {
      this.open[0]?.rows?.parent.classList.add('llm-goes-on');
    }
    if (isDrawn && this.open.length) {
      this.open[this.open.length - 1].isOpen = endsOpen;
    }
    this.settle(blocks, links, isEnd ? 0 : OPEN, !isLast);
    if (isDrawn && !isLast && this.settled === before) {
      this.settle(blocks, links, 0, true);
    }
    return isDrawn && isLast && this.finish();
  }

  /** Let the first open block continue a list that is full, if it belongs to it. */
  private continueFull(block: IBlock | undefined): boolean {
    const { full } = this;
    if (block?.kind !== full?.rows.kind || this.settled !== full?.at) {
      return false;
    }
    if (block?.kind === 'ordered_list') {
      block.tokens[0].attrSet('start', String(full.next));
    }
    if (block && full.rows.loose) {
      loosen(block);
    }
    return true;
  }

  private loosenKnown(blocks: IBlock[]): void {
    let from = this.settled - this.lead.length;
    for (const block of blocks) {
      if (isList(block) && this.looseLists.has(from)) {
        loosen(block);
      }
      from += block.raw.length;
    }
  }

  /** What remains to be done when all of the text is drawn. Returns whether nothing does. */
  private finish(): boolean {
    const isLate = !this.growing && countOf(this.links) > this.firstLinkCount;
    if (isLate && this.source.length < MAX_REDRAWN) {
      // Text that was settled before may use a link that was defined after it.
      this.redraw(this.links);
      return false;
    }
    if (this.target !== this.node) {
      this.node.replaceChildren(...Array.from(this.target.childNodes));
      this.target = this.node;
    }
    return true;
  }

  /** Draw these blocks as the open pieces, keeping what is unchanged. Returns whether there was time for all of them. */
  private drawOpen(blocks: IBlock[], isComplete: boolean): boolean {
    const before = this.open;
    let kept = 0;
    while (
      kept < before.length &&
      kept < blocks.length &&
      before[kept].raw === blocks[kept].raw
    ) {
      kept += 1;
    }
    const next = before.slice(0, kept);
    if (kept < before.length && kept < blocks.length) {
      const grown = this.pieces.grow(before[kept], blocks[kept], !isComplete);
      if (grown) {
        this.budget.takeBlock(grown.raw);
        next.push(grown);
      }
    }
    for (const piece of before.slice(next.length)) {
      removePiece(piece);
    }
    while (next.length < blocks.length) {
      const pieces = this.pieces.make(batchOf(blocks, next.length));
      pieces.forEach(piece => this.budget.takeBlock(piece.raw));
      this.target.append(...pieces.flatMap(piece => piece.nodes));
      next.push(...pieces);
      if (this.budget.isSpent) {
        break;
      }
    }
    this.open = next;
    return next.length === blocks.length;
  }

  /** Settle the drawn pieces that cannot change any more: all but so many of the last blocks. */
  private settle(
    blocks: IBlock[],
    links: Links,
    open: number,
    isFull: boolean
  ): void {
    const last = blocks.filter(block => block.kind !== 'space').pop();
    const code = last && isCode(last) ? settledCode(last, isFull) : null;
    const starts = last ? rowStarts(last) : [];
    let keep = open && (code || isLong(starts)) ? 1 : open;
    let from = blocks.length;
    while (from > 0 && keep > 0) {
      from -= 1;
      keep -= blocks[from].kind === 'space' ? 0 : 1;
    }
    if (this.settled === 0) {
      this.firstLinkCount = countOf(links);
    }
    const done = this.open.splice(0, Math.min(from, this.open.length));
    this.learnLinks(links, done);
    for (const piece of done) {
      this.pieces.settle(piece);
      piece.code?.block.update(piece.code.block.code, false);
      this.settled += piece.raw.length - this.lead.length;
      this.lead = '';
    }
    const [piece] = this.open;
    if (
      open &&
      last &&
      done.length === from &&
      blocks[from] === last &&
      piece
    ) {
      const rows = piece.rows ? settledRows(last, starts) : null;
      this.settleRows(piece, last, piece.code ? code : rows);
    }
  }

  /** Remember the links that these pieces define. */
  private learnLinks(links: Links, pieces: IOpenPiece[]): void {
    if (countOf(links) > countOf(this.links)) {
      const raw = pieces.map(piece => piece.raw).join('');
      this.links = this.markdown.parse(raw, this.links).links;
    }
  }

  /** Settle the items, rows or lines of the last piece that cannot change any more. */
  private settleRows(
    piece: IOpenPiece,
    block: IBlock,
    settled: ISettled | null
  ): void {
    const { rows, code } = piece;
    if (!settled) {
      return;
    }
    if (rows) {
      if (rows.settled === 0) {
        const isMore = this.settled === this.full?.at;
        rows.from = isMore ? this.full!.rows.from : this.settled;
        rows.loose ||= isMore && this.full!.rows.loose;
      }
      rows.settled += settled.count;
      rows.open -= settled.count;
      rows.loose ||=
        isList(block) && (isLoose(block) || this.looseLists.has(rows.from));
    }
    if (code) {
      code.settled += settled.code ?? '';
    }
    this.settled += settled.lead.length - this.lead.length + settled.raw.length;
    this.lead = settled.lead;
    piece.raw =
      settled.lead + block.raw.slice((settled.lead + settled.raw).length);
    if (rows && areFull(rows)) {
      removeOpen(rows);
      this.pieces.settle(piece);
      this.open = [];
      const { start = 1 } = rows.parent as HTMLOListElement;
      this.full = { rows, at: this.settled, next: start + rows.settled };
    }
  }

  private placeCaret(): void {
    if (this.growing) {
      lastLineIn(this.node).append(this.caret);
    }
  }
}

function countOf(links: Links): number {
  return Object.keys(links).length;
}
