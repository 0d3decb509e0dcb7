/**
 * Draws one text of an answer while it grows.
 *
 * A text arrives in hundreds of deltas. To parse and draw all of it for each of
 * them would take time quadratic in its length, and would replace nodes in which
 * the reader has just selected something. So the text is cut in two at
 * `settled`:
 *
 * - The text before it is settled: nothing that follows can change how it looks.
 *   Its nodes stay on the page, and it is never parsed again.
 * - The text after it is open. It is parsed with every delta, and each of its
 *   top-level tokens is a piece. A piece whose source is unchanged keeps its
 *   nodes, a code block that has only grown is extended, and everything from the
 *   first other piece on is drawn again.
 *
 * A token settles when enough tokens have followed it (`OPEN`), because the
 * next one may still change it: a line of `===` turns a paragraph into a heading.
 * A list or table is one token however long it is, so a long one also settles
 * item by item or row by row (`growing.ts`).
 *
 * Two things reach back into settled text. Items of a list may turn out to be
 * paragraphs; then all of it is drawn again at once. A link may be defined after
 * the text that uses it; then all of it is drawn again when the text is complete.
 */

import type { Token, TokensList } from 'marked';

import { el } from '../dom/elements';
import type { IHost } from '../host';
import { codeBlock } from './codeBlock';
import type { ICodeBlock } from './codeBlock';
import {
  findRows,
  isList,
  isLong,
  loosen,
  removeOpen,
  settledOf
} from './growing';
import type { IRows } from './growing';
import { definitions, isCode, languageOf, Markdown } from './markdown';
import type { Links, Parsed } from './markdown';

/** A top-level token that may still change, with what is drawn for it. */
interface IOpenPiece {
  raw: string;
  nodes: Node[];
  code?: { block: ICodeBlock; language: string };
  rows?: IRows;
  /** Whether it ends in a formula whose other half may still come. */
  isOpen?: boolean;
}

/** How many pieces at the end stay open: the last one grows, and what follows it may become part of it. */
const OPEN = 2;

export class Answer {
  readonly node = el('article', 'llm-answer');
  private text = '';
  /** The text with every line break as `\n`, as the parser sees it. */
  private source = '';
  /** How many characters of `source` are settled. */
  private settled = 0;
  /** What the parser must read before the open text: the head of a table whose first rows are settled. */
  private lead = '';
  private open: IOpenPiece[] = [];
  /** The links that settled text defines. One that is still being written does not count. */
  private links = noLinks();
  /** How many links were known when the first piece settled. */
  private firstLinkCount = 0;
  private readonly caret = el('span', 'llm-caret');

  constructor(
    private readonly markdown: Markdown,
    private readonly host: () => IHost
  ) {}

  /** Show a text. `growing` says that more of it may come. */
  update(text: string, growing: boolean): void {
    if (text !== this.text || this.source === '') {
      this.append(text, growing);
    }
    this.draw(growing);
    if (!growing && countOf(this.links) > this.firstLinkCount) {
      // Text that was settled before may use a link that was defined after it.
      this.restart(this.links);
      this.draw(false);
    }
    this.placeCaret(growing);
  }

  private append(text: string, growing: boolean): void {
    if (!text.startsWith(this.text)) {
      this.reset();
    }
    let more = text.slice(this.text.length);
    if (growing && more.endsWith('\r')) {
      // The `\n` that belongs to it may be in the next delta.
      more = more.slice(0, -1);
    }
    this.text += more;
    this.source += more.replace(/\r\n?/g, '\n');
  }

  private reset(): void {
    this.text = '';
    this.source = '';
    this.restart(noLinks());
  }

  /** Settle nothing, so that all of the text is drawn again with these links. */
  private restart(links: Links): void {
    this.node.textContent = '';
    this.settled = 0;
    this.lead = '';
    this.open = [];
    this.links = links;
    this.firstLinkCount = countOf(links);
  }

  private draw(growing: boolean): void {
    let tokens = this.parseOpen(growing);
    if (this.becameLoose(tokens[0])) {
      this.restart(noLinks());
      tokens = this.parseOpen(growing);
    }
    this.caret.remove();
    this.drawOpen(tokens, growing);
    this.settle(tokens, growing);
  }

  private parseOpen(growing: boolean): Parsed {
    const rest = this.lead + this.source.slice(this.settled);
    const tokens = this.markdown.tokens(rest, this.links, growing);
    const first = tokens[0];
    const rows = this.open[0]?.rows;
    if (first && isList(first) && rows?.settled && rows.loose) {
      loosen(first);
    }
    return tokens;
  }

  /** Whether settled items of a list would have to be drawn again, as paragraphs. */
  private becameLoose(first: Token | undefined): boolean {
    const rows = this.open[0]?.rows;
    return Boolean(
      first && isList(first) && first.loose && rows?.settled && !rows.loose
    );
  }

  /** Draw these tokens as the open pieces, keeping what is unchanged. */
  private drawOpen(tokens: Parsed, growing: boolean): void {
    const before = this.open;
    const last = before[before.length - 1];
    if (last?.isOpen && !tokens.endsOpen) {
      // Its source may be unchanged, but it is read in another way.
      last.raw = '';
    }
    let kept = 0;
    while (
      kept < before.length &&
      kept < tokens.length &&
      before[kept].raw === tokens[kept].raw
    ) {
      kept += 1;
    }
    const next = before.slice(0, kept);
    if (kept < before.length && kept < tokens.length) {
      const grown = this.grow(before[kept], tokens[kept], growing);
      if (grown) {
        next.push(grown);
      }
    }
    for (const piece of before.slice(next.length)) {
      this.remove(piece);
    }
    for (const token of tokens.slice(next.length)) {
      const piece = this.makePiece(token);
      this.node.append(...piece.nodes);
      next.push(piece);
    }
    this.open = next;
    const end = next[next.length - 1];
    if (end) {
      end.isOpen = tokens.endsOpen;
    }
  }

  /** Take a piece off the page, except for its settled rows. */
  private remove({ nodes, rows }: IOpenPiece): void {
    if (rows?.settled) {
      removeOpen(rows);
    } else {
      nodes.forEach(node => node.parentNode?.removeChild(node));
    }
  }

  /** Turn a piece into the one for this token without drawing all of it again; null if that is not possible. */
  private grow(
    piece: IOpenPiece,
    token: Token,
    growing: boolean
  ): IOpenPiece | null {
    if (piece.rows?.settled) {
      return this.growRows(piece, token);
    }
    if (!piece.code || !isCode(token)) {
      return null;
    }
    if (piece.code.language !== languageOf(token)) {
      return null;
    }
    piece.code.block.update(token.text, growing);
    return { ...piece, raw: token.raw };
  }

  private growRows(piece: IOpenPiece, token: Token): IOpenPiece | null {
    const rows = piece.rows!;
    const drawn = findRows(token, this.markdown.nodes([token], this.host));
    if (drawn?.type !== rows.type) {
      return null;
    }
    removeOpen(rows);
    rows.parent.append(...Array.from(drawn.parent.children));
    return { ...piece, raw: token.raw };
  }

  private makePiece(token: Token): IOpenPiece {
    if (isCode(token)) {
      const language = languageOf(token);
      const block = codeBlock(token.text, language, this.host);
      return { raw: token.raw, nodes: [block.node], code: { block, language } };
    }
    const nodes = this.markdown.nodes([token], this.host);
    return { raw: token.raw, nodes, rows: findRows(token, nodes) };
  }

  /** Settle the pieces that cannot change any more. */
  private settle(tokens: TokensList, growing: boolean): void {
    const last = tokens.filter(token => token.type !== 'space').pop();
    let keep = growing ? (isLong(last) ? 1 : OPEN) : 0;
    let from = tokens.length;
    while (from > 0 && keep > 0) {
      from -= 1;
      keep -= tokens[from].type === 'space' ? 0 : 1;
    }
    if (this.settled === 0) {
      this.firstLinkCount = countOf(tokens.links);
    }
    this.links = Object.assign(definitions(tokens.slice(0, from)), this.links);
    for (const piece of this.open.splice(0, from)) {
      piece.code?.block.update(piece.code.block.code, false);
      this.settled += piece.raw.length - this.lead.length;
      this.lead = '';
    }
    if (growing && tokens[from] === last && last) {
      this.settleRows(this.open[0], last);
    }
  }

  /** Settle the items or rows of the last piece that cannot change any more. */
  private settleRows(piece: IOpenPiece, token: Token): void {
    const settled = piece.rows && settledOf(token);
    if (!settled) {
      return;
    }
    piece.rows!.settled += settled.count;
    piece.rows!.loose ||= isList(token) && token.loose;
    this.settled += settled.lead.length - this.lead.length + settled.raw.length;
    this.lead = settled.lead;
    piece.raw =
      settled.lead + token.raw.slice((settled.lead + settled.raw).length);
  }

  /** Put the caret at the end of the last line, however deep that is nested. */
  private placeCaret(growing: boolean): void {
    if (!growing) {
      this.caret.remove();
      return;
    }
    let parent: Element = this.node;
    while (
      parent.lastElementChild &&
      /^(?:P|UL|OL|LI|BLOCKQUOTE|H[1-4]|DIV|PRE|CODE|TABLE|TBODY|TR|TD)$/.test(
        parent.lastElementChild.tagName
      ) &&
      !parent.classList.contains('llm-block-bar')
    ) {
      parent = parent.lastElementChild;
    }
    parent.append(this.caret);
  }
}

/** Without a prototype, because a link may have any name. */
function noLinks(): Links {
  return Object.create(null) as Links;
}

function countOf(links: Links): number {
  return Object.keys(links).length;
}
