/**
 * Settles a growing list, table or block of code item by item, row by row or line
 * by line, so that each delta of a long one costs no more than that of a short one.
 *
 * The parser sees only the open part. To read it as what it is, it needs two facts
 * about the settled one: the head of a table or the fence of code, which is
 * therefore read again each time (`lead`), and whether the items of the list are
 * paragraphs, which is set on the parsed list afterwards (`loosen`).
 */

import { codeIn, withoutBars } from '../markdown/markdown';
import type { IBlock, Token } from '../markdown/parser';

/** The items of a list, or the rows of a table, on the page. */
export interface IRows {
  readonly kind: string;
  readonly parent: Element;
  /** How many of them are settled. */
  settled: number;
  /** How many follow those, and may still change. */
  open: number;
  /** Where the list or table begins in the text, once some of it is settled. */
  from: number;
  /** Whether the items of a list are paragraphs, as they are if blank lines stand between them. */
  loose: boolean;
}

/** The part of a block that cannot change any more. */
export interface ISettled {
  /** Its source, without what `lead` repeats. */
  raw: string;
  /** What must be read before the source that follows. */
  lead: string;
  /** How many items or rows it has. */
  count: number;
  /** The code in it. */
  code?: string;
}

/** How many items or rows at the end stay open: the last one grows, and what follows it may become part of it. */
const OPEN = 2;

/** A list or table with more items or rows than this, or with more elements, continues as another one, so that a new item moves only those of its own. */
const MAX_ROWS = 200;
const MAX_ROW_ELEMENTS = 1500;

/** Shorter code is drawn again with each delta, in colours. */
const LONG_CODE = 4000;

/** Whether a block is a list. */
export function isList({ kind }: IBlock): boolean {
  return kind === 'bullet_list' || kind === 'ordered_list';
}

/** Whether a block with these items or rows has more of them than are kept open. */
export function isLong(starts: number[]): boolean {
  return starts.length > OPEN;
}

/** Whether the items of a list are paragraphs. */
export function isLoose(list: IBlock): boolean {
  return paragraphsOf(list).some(token => !token.hidden);
}

/** The lines of a block at which its items or rows begin; none if it is neither a list nor a table. */
export function rowStarts({ kind, tokens }: IBlock): number[] {
  const isTable = kind === 'table';
  const first = tokens[0]?.map?.[0] ?? 0;
  return tokens
    .filter(({ type, level }) =>
      isTable
        ? type === 'tr_open' && level === 2
        : type === 'list_item_open' && level === 1
    )
    .map(token => (token.map?.[0] ?? 0) - first)
    .slice(isTable ? 1 : 0);
}

function paragraphsOf({ tokens }: IBlock): Token[] {
  return tokens.filter(
    ({ type, level }) => type.startsWith('paragraph_') && level === 2
  );
}

/** Whether there are so many items or rows that those which follow belong in another list or table. */
export function areFull({ settled, parent }: IRows): boolean {
  return (
    settled >= MAX_ROWS ||
    parent.getElementsByTagName('*').length >= MAX_ROW_ELEMENTS
  );
}

/** Find the items or rows among the nodes of a block. */
export function findRows(block: IBlock, nodes: Node[]): IRows | undefined {
  const node = nodes[0];
  if (!(node instanceof Element)) {
    return undefined;
  }
  const { kind } = block;
  const parent =
    kind === 'table'
      ? node.querySelector('tbody')
      : isList(block)
        ? node
        : null;
  const loose = isList(block) && isLoose(block);
  const open = parent?.children.length ?? 0;
  return parent
    ? { kind, parent, settled: 0, open, from: 0, loose }
    : undefined;
}

/** The items of a list, or the rows of a table, that can be settled while it grows; null if there are none. They begin at these lines. */
export function settledRows(block: IBlock, starts: number[]): ISettled | null {
  const { raw, kind } = block;
  let count = starts.length - OPEN;
  const lines = raw.split(/(?<=\n)/);
  const from = (line: number): string => lines.slice(line).join('');
  if (count > 0 && isList(block)) {
    if (/^[-*\s]*$/.test(from(starts[starts.length - 1]))) {
      // This may be the beginning of a horizontal rule, which would end the list.
      return null;
    }
    // The open items are parsed by themselves, and an item without text cannot begin a list.
    while (count > 0 && !/^\s*\S+[ \t]+\S/.test(lines[starts[count]])) {
      count -= 1;
    }
  }
  if (count <= 0) {
    return null;
  }
  const lead = kind === 'table' ? lines.slice(0, 2).join('') : '';
  const settled = raw.slice(
    lead.length,
    raw.length - from(starts[count]).length
  );
  return { raw: settled, lead, count };
}

/**
 * The lines of code, or a part of a very long line, that can be settled while it
 * grows. Shorter code is settled only where a portion is full.
 */
export function settledCode(
  { kind, raw, tokens }: IBlock,
  isFull: boolean
): ISettled | null {
  const code = codeIn(tokens[0]);
  if (code.length < LONG_CODE && !isFull) {
    return null;
  }
  const lead = kind === 'fence' ? raw.slice(0, raw.indexOf('\n') + 1) : '';
  let end = raw.length - 1;
  for (let lines = 0; lines <= OPEN && end > 0; lines += 1) {
    end = raw.lastIndexOf('\n', end - 1);
  }
  // A blank line cannot begin indented code.
  while (!lead && end > 0 && /^[ \t]*(?:\n|$)/.test(raw.slice(end + 1))) {
    end = raw.lastIndexOf('\n', end - 1);
  }
  if (end <= lead.length && /^[`~]/.test(lead)) {
    end = cutOfLine(raw, lead.length) - 1;
  }
  const settled = raw.slice(lead.length, Math.max(lead.length, end + 1));
  if (!settled) {
    return null;
  }
  const lines = settled.split('\n').length - 1;
  const isIndented = !/^[`~]/.test(lead);
  return {
    raw: settled,
    lead,
    count: 0,
    code: isIndented
      ? code
          .split(/(?<=\n)/)
          .slice(0, lines)
          .join('')
      : withoutBars(settled)
  };
}

/**
 * Where a very long line of code, which begins at `start`, is cut in two. What
 * is kept open is short, but no more than half of the line, so that a line that
 * comes in short portions settles with them.
 */
function cutOfLine(raw: string, start: number): number {
  const half = Math.ceil((raw.length - start) / 2);
  let cut = Math.max(raw.length - LONG_CODE / 2, start + half);
  // The rest must not look like the end of the code, nor begin with a part of a character.
  while (
    cut > start &&
    (/^ {0,3}[`~]/.test(raw.slice(cut, cut + 4)) ||
      /^[\p{M}\u200d\udc00-\udfff]/u.test(raw.slice(cut, cut + 2)) ||
      /\u200d$/.test(raw.slice(cut - 1, cut)))
  ) {
    cut -= 1;
  }
  return cut;
}

/** Make the items of a parsed list paragraphs, as the parser does if it sees a blank line between them. */
export function loosen(list: IBlock): void {
  for (const token of paragraphsOf(list)) {
    token.hidden = false;
  }
}

/** Take the open items or rows off the page. */
export function removeOpen(rows: IRows): void {
  for (; rows.open > 0; rows.open -= 1) {
    rows.parent.lastElementChild?.remove();
  }
}
