/**
 * A block of an answer while it grows. Only its last pieces are parsed and drawn
 * again; the nodes of what came before stay as they are.
 */

import type { Token } from 'marked';

import { codeBlock } from './codeBlock';
import type { ICodeBlock } from './codeBlock';
import { el } from './elements';
import type { IHost } from './host';
import { isCode, languageOf, Markdown } from './markdown';
import type { Links } from './markdown';

/** A top-level piece that may still change. */
interface IOpen {
  raw: string;
  nodes: Node[];
  code?: { block: ICodeBlock; language: string };
}

/** How many pieces at the end may still change: what follows a piece can become part of it. */
const OPEN = 2;

export class Answer {
  readonly node = el('article', 'llm-answer');
  private text = '';
  private source = '';
  /** How much of `source` is drawn for good. */
  private settled = 0;
  private open: IOpen[] = [];
  private links: Links = {};
  private linksWhenSettled = 0;
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
    if (!growing && Object.keys(this.links).length > this.linksWhenSettled) {
      const links = this.links;
      this.reset();
      this.links = links;
      this.take(text, false);
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
    this.node.textContent = '';
    this.text = '';
    this.source = '';
    this.settled = 0;
    this.open = [];
    this.links = {};
    this.linksWhenSettled = 0;
  }

  private draw(growing: boolean): void {
    const tokens = this.markdown.tokens(
      this.source.slice(this.settled),
      this.links
    );
    this.caret.remove();
    this.drawOpen(tokens, growing);
    this.settle(tokens, growing);
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
      gone.nodes.forEach(node => node.parentNode?.removeChild(node));
    }
    for (const token of tokens.slice(next.length)) {
      const piece = this.piece(token);
      this.node.append(...piece.nodes);
      next.push(piece);
    }
    this.open = next;
  }

  private grow(piece: IOpen, token: Token, growing: boolean): IOpen | null {
    if (!piece.code || !isCode(token)) {
      return null;
    }
    if (piece.code.language !== languageOf(token)) {
      return null;
    }
    piece.code.block.update(token.text, growing);
    return { ...piece, raw: token.raw };
  }

  private piece(token: Token): IOpen {
    if (isCode(token)) {
      const language = languageOf(token);
      const block = codeBlock(token.text, language, this.host);
      return { raw: token.raw, nodes: [block.node], code: { block, language } };
    }
    return { raw: token.raw, nodes: this.markdown.nodes([token], this.host) };
  }

  /** Pieces that cannot change any more are done with. */
  private settle(tokens: Token[], growing: boolean): void {
    let keep = growing ? OPEN : 0;
    let from = tokens.length;
    while (from > 0 && keep > 0) {
      from -= 1;
      keep -= tokens[from].type === 'space' ? 0 : 1;
    }
    if (from === 0) {
      return;
    }
    if (this.settled === 0) {
      this.linksWhenSettled = Object.keys(this.links).length;
    }
    for (const piece of this.open.splice(0, from)) {
      piece.code?.block.update(piece.code.block.code, false);
      this.settled += piece.raw.length;
    }
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
