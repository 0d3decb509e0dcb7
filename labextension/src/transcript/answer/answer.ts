/**
 * A block of an answer while it grows. Only its last pieces are parsed and drawn
 * again; the nodes of what came before stay as they are.
 */

import type { Token, TokensList } from 'marked';

import { el } from '../dom/elements';
import type { IHost } from '../host';
import { codeBlock } from './codeBlock';
import type { ICodeBlock } from './codeBlock';
import {
  isList,
  isLong,
  loosen,
  removeOpen,
  rowsOf,
  settledOf
} from './growing';
import type { IRows } from './growing';
import { definitions, isCode, languageOf, Markdown } from './markdown';
import type { Links } from './markdown';

/** A top-level piece that may still change. */
interface IOpen {
  raw: string;
  nodes: Node[];
  code?: { block: ICodeBlock; language: string };
  rows?: IRows;
}

/** How many pieces at the end may still change: what follows a piece can become part of it. */
const OPEN = 2;

export class Answer {
  readonly node = el('article', 'llm-answer');
  private text = '';
  private source = '';
  /** How much of `source` is drawn for good. */
  private settled = 0;
  /** What the parser has to read before the rest: the head of a table that goes on. */
  private lead = '';
  private open: IOpen[] = [];
  /** Link definitions in what is drawn for good: one that is still being written is not known yet. */
  private links = noLinks();
  /** How many links were known when the first piece was drawn for good. */
  private linksThen = 0;
  private readonly caret = el('span', 'llm-caret');

  constructor(
    private readonly markdown: Markdown,
    private readonly host: () => IHost
  ) {}

  /** Show a text; `growing` while more may come. */
  update(text: string, growing: boolean): void {
    if (text !== this.text || this.source === '') {
      this.take(text, growing);
    }
    this.draw(growing);
    if (!growing && size(this.links) > this.linksThen) {
      // A link was defined after the text that names it.
      this.restart(this.links);
      this.draw(false);
    }
    this.placeCaret(growing);
  }

  private take(text: string, growing: boolean): void {
    if (!text.startsWith(this.text)) {
      this.reset();
    }
    let more = text.slice(this.text.length);
    if (growing && more.endsWith('\r')) {
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

  /** Draw all of it again, knowing these links. */
  private restart(links: Links): void {
    this.node.textContent = '';
    this.settled = 0;
    this.lead = '';
    this.open = [];
    this.links = links;
    this.linksThen = size(links);
  }

  private draw(growing: boolean): void {
    let tokens = this.tokens();
    if (this.becameLoose(tokens[0])) {
      this.restart(noLinks());
      tokens = this.tokens();
    }
    this.caret.remove();
    this.drawOpen(tokens, growing);
    this.settle(tokens, growing);
  }

  private tokens(): TokensList {
    const rest = this.lead + this.source.slice(this.settled);
    const tokens = this.markdown.tokens(rest, this.links);
    const first = tokens[0];
    const rows = this.open[0]?.rows;
    if (first && isList(first) && rows?.settled && rows.loose) {
      loosen(first);
    }
    return tokens;
  }

  /** Whether items that are drawn for good would now be drawn as paragraphs. */
  private becameLoose(first: Token | undefined): boolean {
    const rows = this.open[0]?.rows;
    return Boolean(
      first && isList(first) && first.loose && rows?.settled && !rows.loose
    );
  }

  /** Make the nodes of what is open those of these tokens, keeping what is the same. */
  private drawOpen(tokens: Token[], growing: boolean): void {
    const before = this.open;
    let same = 0;
    while (
      same < before.length &&
      same < tokens.length &&
      before[same].raw === tokens[same].raw
    ) {
      same += 1;
    }
    const next = before.slice(0, same);
    if (same < before.length && same < tokens.length) {
      const grown = this.grow(before[same], tokens[same], growing);
      if (grown) {
        next.push(grown);
      }
    }
    for (const gone of before.slice(next.length)) {
      this.takeAway(gone);
    }
    for (const token of tokens.slice(next.length)) {
      const piece = this.piece(token);
      this.node.append(...piece.nodes);
      next.push(piece);
    }
    this.open = next;
  }

  /** Remove what is open of a piece. */
  private takeAway({ nodes, rows }: IOpen): void {
    if (rows?.settled) {
      removeOpen(rows);
    } else {
      nodes.forEach(node => node.parentNode?.removeChild(node));
    }
  }

  private grow(piece: IOpen, token: Token, growing: boolean): IOpen | null {
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

  private growRows(piece: IOpen, token: Token): IOpen | null {
    const rows = piece.rows!;
    const drawn = rowsOf(token, this.markdown.nodes([token], this.host));
    if (drawn?.type !== rows.type) {
      return null;
    }
    removeOpen(rows);
    rows.parent.append(...Array.from(drawn.parent.children));
    return { ...piece, raw: token.raw };
  }

  private piece(token: Token): IOpen {
    if (isCode(token)) {
      const language = languageOf(token);
      const block = codeBlock(token.text, language, this.host);
      return { raw: token.raw, nodes: [block.node], code: { block, language } };
    }
    const nodes = this.markdown.nodes([token], this.host);
    return { raw: token.raw, nodes, rows: rowsOf(token, nodes) };
  }

  /** Pieces that cannot change any more are done with. */
  private settle(tokens: TokensList, growing: boolean): void {
    const last = tokens.filter(token => token.type !== 'space').pop();
    let keep = growing ? (isLong(last) ? 1 : OPEN) : 0;
    let from = tokens.length;
    while (from > 0 && keep > 0) {
      from -= 1;
      keep -= tokens[from].type === 'space' ? 0 : 1;
    }
    if (this.settled === 0) {
      this.linksThen = size(tokens.links);
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

  /** Items and rows that cannot change any more are done with. */
  private settleRows(piece: IOpen, token: Token): void {
    const done = piece.rows && settledOf(token);
    if (!done) {
      return;
    }
    piece.rows!.settled += done.count;
    piece.rows!.loose ||= isList(token) && token.loose;
    this.settled += done.lead.length - this.lead.length + done.raw.length;
    this.lead = done.lead;
    piece.raw = done.lead + token.raw.slice((done.lead + done.raw).length);
  }

  private placeCaret(growing: boolean): void {
    if (!growing) {
      this.caret.remove();
      return;
    }
    let place: Element = this.node;
    while (
      place.lastElementChild &&
      /^(?:P|UL|OL|LI|BLOCKQUOTE|H[1-4]|DIV|PRE|CODE|TABLE|TBODY|TR|TD)$/.test(
        place.lastElementChild.tagName
      ) &&
      !place.classList.contains('llm-block-bar')
    ) {
      place = place.lastElementChild;
    }
    place.append(this.caret);
  }
}

function noLinks(): Links {
  return Object.create(null) as Links;
}

function size(links: Links): number {
  return Object.keys(links).length;
}
