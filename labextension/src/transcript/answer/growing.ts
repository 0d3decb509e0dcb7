/**
 * Lists and tables that grow: an item or row that another one has followed is
 * drawn once and for all, so that a long list costs no more than a short one.
 */

import type { Token, Tokens } from 'marked';

/** Where the items of a list, or the rows of a table, are on the page. */
export interface IRows {
  readonly type: string;
  readonly parent: Element;
  /** How many of them are drawn for good. */
  settled: number;
  /** Whether paragraphs stand between the items of a list. */
  loose: boolean;
}

/** What of a list or table cannot change any more. */
export interface ISettled {
  /** Its lines; those of a table's head are counted apart. */
  raw: string;
  /** The lines of a table's head, which the rows that follow need to be read. */
  lead: string;
  count: number;
}

/** Items or rows at the end that stay open: the last one grows, and what follows it may become part of it. */
const OPEN = 2;

export function isList(token: Token): token is Tokens.List {
  return token.type === 'list';
}

function isTable(token: Token): token is Tokens.Table {
  return token.type === 'table';
}

/** Whether a token has more items or rows than are kept open. */
export function isLong(token: Token | undefined): boolean {
  return token !== undefined && count(token) > OPEN;
}

function count(token: Token): number {
  if (isTable(token)) {
    return token.rows.length;
  }
  return isList(token) ? token.items.length : 0;
}

/** Find the items or rows among the nodes of a token. */
export function rowsOf(token: Token, nodes: Node[]): IRows | undefined {
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

/** What of a token is finished; nothing where it is short. */
export function settledOf(token: Token): ISettled | null {
  let finished = count(token) - OPEN;
  if (finished <= 0) {
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
    const raw = upTo(2 + finished).slice(lead.length);
    return { raw, lead, count: finished };
  }
  const items = (token as Tokens.List).items.map(item => item.raw);
  if (/^[-*\s]*$/.test(items[items.length - 1])) {
    // It may be the beginning of a line across the page.
    return null;
  }
  // The rest is read by itself, and an item without text begins no list.
  while (finished > 0 && !/^\s*\S+[ \t]+\S/.test(items[finished])) {
    finished -= 1;
  }
  const raw = items.slice(0, finished).join('');
  return token.raw.startsWith(raw) ? { raw, lead: '', count: finished } : null;
}

/** Say of the rest of a list what is known of all of it: that its items are paragraphs. */
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
  for (const gone of Array.from(rows.parent.children).slice(rows.settled)) {
    gone.remove();
  }
}
