/**
 * Settles a growing list or table item by item, so that each delta of a long one
 * costs no more than that of a short one.
 *
 * The parser sees only the open items. To read them as what they are, it needs
 * two facts about the settled ones: the head of a table, which is therefore read
 * again each time (`lead`), and whether the items of the list are paragraphs,
 * which is set on the parsed list afterwards (`loosen`).
 */

import type { Token, Tokens } from 'marked';

/** The items of a list, or the rows of a table, on the page. */
export interface IRows {
  readonly type: string;
  readonly parent: Element;
  /** How many of them are settled. */
  settled: number;
  /** Whether the items of a list are paragraphs, as they are if blank lines stand between them. */
  loose: boolean;
}

/** The part of a list or table that cannot change any more. */
export interface ISettled {
  /** Its source, without a table's head. */
  raw: string;
  /** The source of a table's head, which must be read before the rows that follow. */
  lead: string;
  /** How many items or rows it has. */
  count: number;
}

/** How many items or rows at the end stay open: the last one grows, and what follows it may become part of it. */
const OPEN = 2;

export function isList(token: Token): token is Tokens.List {
  return token.type === 'list';
}

function isTable(token: Token): token is Tokens.Table {
  return token.type === 'table';
}

/** Whether a token has more items or rows than are kept open. */
export function isLong(token: Token | undefined): boolean {
  return token !== undefined && countRows(token) > OPEN;
}

function countRows(token: Token): number {
  if (isTable(token)) {
    return token.rows.length;
  }
  return isList(token) ? token.items.length : 0;
}

/** Find the items or rows among the nodes of a token. */
export function findRows(token: Token, nodes: Node[]): IRows | undefined {
  const node = nodes[0];
  if (!(node instanceof Element)) {
    return undefined;
  }
  const parent = isTable(token)
    ? node.querySelector('tbody')
    : isList(token)
      ? node
      : null;
  return parent
    ? {
        type: token.type,
        parent,
        settled: 0,
        loose: isList(token) && token.loose
      }
    : undefined;
}

/** The part of a token that can be settled; null if there is none. */
export function settledOf(token: Token): ISettled | null {
  let settled = countRows(token) - OPEN;
  if (settled <= 0) {
    return null;
  }
  if (isTable(token)) {
    const lines = token.raw.split('\n');
    const upTo = (line: number): string =>
      lines
        .slice(0, line)
        .map(text => text + '\n')
        .join('');
    const lead = upTo(2);
    const raw = upTo(2 + settled).slice(lead.length);
    return { raw, lead, count: settled };
  }
  const items = (token as Tokens.List).items.map(item => item.raw);
  if (/^[-*\s]*$/.test(items[items.length - 1])) {
    // This may be the beginning of a horizontal rule, which would end the list.
    return null;
  }
  // The open items are parsed by themselves, and an item without text cannot begin a list.
  while (settled > 0 && !/^\s*\S+[ \t]+\S/.test(items[settled])) {
    settled -= 1;
  }
  const raw = items.slice(0, settled).join('');
  return token.raw.startsWith(raw) ? { raw, lead: '', count: settled } : null;
}

/** Make the items of a parsed list paragraphs, as the parser does if it sees a blank line between them. */
export function loosen(list: Tokens.List): void {
  list.loose = true;
  for (const item of list.items) {
    item.loose = true;
    for (const token of item.tokens) {
      if (token.type === 'text') {
        token.type = 'paragraph';
      }
    }
    const [box, text] = item.tokens as Tokens.Generic[];
    if (box?.type === 'checkbox' && text?.type === 'paragraph') {
      item.tokens.shift();
      text.tokens?.unshift(box as Token);
    }
  }
}

/** Take the open items or rows off the page. */
export function removeOpen(rows: IRows): void {
  for (const node of Array.from(rows.parent.children).slice(rows.settled)) {
    node.remove();
  }
}
