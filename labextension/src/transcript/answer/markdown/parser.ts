/**
 * Parses a model's Markdown into top-level blocks, in a time that is linear in
 * the length of the text, whatever the text is.
 *
 * The parser is markdown-it. The Python side uses its port with the same
 * bounds, in `llm_notebook/transcript/markdown/`: what is nested too deeply is
 * code, and a paragraph that would take too long is plain text. On a page, what
 * a text becomes must be bounded as well: a short line can ask for thousands of
 * table cells.
 *
 * The rules here add what a model writes and the parser does not know:
 * formulas, ticked lists, and addresses without brackets.
 */

import MarkdownIt from 'markdown-it';

import { linkTarget } from './links';
import { formulaRules } from '../formulas/rules';
import type { IGrowth } from '../formulas/rules';
import { htmlRule } from './htmlRules';

/** The parser of Markdown. */
export type Parser = InstanceType<typeof MarkdownIt>;
/** What the parser makes of a part of a text. */
export type Token = InstanceType<typeof MarkdownIt.Token>;
type BlockState = InstanceType<typeof MarkdownIt.StateBlock>;
type InlineState = InstanceType<typeof MarkdownIt.StateInline>;
type CoreState = InstanceType<typeof MarkdownIt.StateCore>;

/** The links that a text defines, by their normalised names. */
export type Links = Record<string, { href: string; title: string }>;

/** A top-level block, or what stands between two of them: blank lines and definitions of links. */
export interface IBlock {
  /** The parser's name for it, without `_open`, or `space`. */
  kind: string;
  raw: string;
  tokens: Token[];
}

/** Deeper nesting makes a block code. */
const MAX_NESTING = 60;

/** Lists and quotes that are nested deeper are drawn at this depth. */
const MAX_CONTAINERS = 10;

/** More brackets and backticks than this make a paragraph plain text. */
const MAX_OPENERS = 3000;

/** More formulas, images and links than this in a block are shown as text. */
const MAX_DRAWN = 500;

/** A table with more columns is drawn as code, because the cells that its rows leave out would be too many. */
const MAX_COLUMNS = 40;

const OPENER = /[[\]<]|`+/g;

/** How far a formula is looked for in a text that begins with one, in characters. */
const LONGEST_FORMULA = 4100;

/** Make the parser. It keeps nothing of a text but what is in `growth`. */
export function makeParser(growth: IGrowth): Parser {
  const parser = new MarkdownIt({ html: false, maxNesting: MAX_NESTING });
  // `links.ts` decides about addresses.
  parser.validateLink = () => true;
  parser.normalizeLink = url => url;
  parser.normalizeLinkText = url => url;
  const formulas = formulaRules(growth);
  parser.inline.ruler.before('escape', 'formula', (state, silent) =>
    inlineRule(state, silent, formulas.inline)
  );
  parser.inline.ruler.before('autolink', 'html', htmlRule);
  showDefinitions(parser);
  parser.block.ruler.before(
    'fence',
    'formula',
    (state, start, end, silent) =>
      blockRule(state, start, end, silent, formulas.block),
    {
      alt: ['paragraph', 'reference', 'blockquote', 'list']
    }
  );
  parser.block.ruler.before('table', 'wide', refuseWideTable, {
    alt: ['paragraph', 'reference']
  });
  parser.core.ruler.before('inline', 'tangled', keepTangledText);
  parser.core.ruler.push('tasks', drawTasks);
  parser.core.ruler.push('addresses', linkAddresses);
  return parser;
}

/** The blocks of a text in which these links are defined already, and all links with those that the text defines. */
export function parseBlocks(
  parser: Parser,
  text: string,
  known: Links
): { blocks: IBlock[]; links: Links } {
  const references = Object.assign(noLinks(), known);
  const tokens = parser.parse(text, { references });
  return { blocks: divide(tokens, text), links: references };
}

/** Links without a prototype, because a link may have any name. */
export function noLinks(): Links {
  return Object.create(null) as Links;
}

/** Cut tokens and text into blocks that together cover all of the text. */
function divide(tokens: Token[], text: string): IBlock[] {
  const starts = lineStarts(text);
  const offset = (line: number): number => starts[line] ?? text.length;
  const blocks: IBlock[] = [];
  let at = 0;
  const cover = (end: number, kind: string, inner: Token[]): void => {
    if (end > at) {
      blocks.push({ kind, raw: text.slice(at, end), tokens: inner });
      at = end;
    }
  };
  for (let first = 0; first < tokens.length;) {
    const last = closingIndex(tokens, first);
    const [from, to] = tokens[first].map ?? [0, 0];
    cover(offset(from), 'space', []);
    const inner = tokens.slice(first, last + 1);
    const kind = tokens[first].type.replace(/_open$/, '');
    if (inner.some(token => token.level >= MAX_NESTING - 1)) {
      cover(offset(to), 'fence', [codeOf(text.slice(at, offset(to)))]);
    } else {
      cover(offset(to), kind, limitDrawing(inner));
    }
    first = last + 1;
  }
  cover(text.length, 'space', []);
  return blocks;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    starts.push(at + 1);
  }
  return starts;
}

/** The index of the token that closes this top-level one. */
function closingIndex(tokens: Token[], first: number): number {
  let last = first;
  if (tokens[first].nesting === 1) {
    do {
      last += 1;
    } while (tokens[last].level > 0);
  }
  return last;
}

function codeOf(text: string): Token {
  const token = new MarkdownIt.Token('fence', 'code', 0);
  token.content = text;
  return token;
}

/** A block's tokens without the containers that are too deep, and with plain text for what is too much to draw. */
function limitDrawing(tokens: Token[]): Token[] {
  let depth = 0;
  let drawn = 0;
  return tokens.filter(token => {
    if (token.type === 'inline') {
      const children = token.children ?? [];
      const count = children.filter(isDrawn).length;
      drawn += count;
      if ((count && drawn > MAX_DRAWN) || children.some(isTooDeep)) {
        token.children = plainTokens(token.content);
      }
    }
    const isContainer =
      /^(?:blockquote|(?:bullet|ordered)_list|list_item)_/.test(token.type);
    if (!isContainer) {
      token.hidden &&= depth <= MAX_CONTAINERS;
      return true;
    }
    const outer = depth;
    if (!token.type.startsWith('list_item')) {
      depth += token.nesting;
    }
    return Math.max(outer, depth) <= MAX_CONTAINERS;
  });
}

function isDrawn({ type }: Token): boolean {
  return type === 'formula' || type === 'image' || type === 'link_open';
}

function isTooDeep({ level }: Token): boolean {
  return level >= MAX_NESTING;
}

function plainTokens(text: string): Token[] {
  return text.split('\n').flatMap((line, index) => {
    const words = new MarkdownIt.Token('text', '', 0);
    words.content = line;
    const end = new MarkdownIt.Token('softbreak', 'br', 0);
    return index ? [end, words] : [words];
  });
}

/** Keep the parser from looking into paragraphs that would take too long. */
function keepTangledText({ tokens }: CoreState): void {
  for (const token of tokens) {
    const openers = token.type === 'inline' && token.content.match(OPENER);
    if (openers && openers.length > MAX_OPENERS) {
      token.children = plainTokens(token.content);
      token.content = '';
    }
  }
}

/** Read the head of a table with too many columns as code. This is a rule of the parser. */
function refuseWideTable(
  state: BlockState,
  start: number,
  end: number,
  silent: boolean
): boolean {
  if (start + 1 >= end || state.sCount[start] - state.blkIndent >= 4) {
    return false;
  }
  const rule = state.src.slice(
    state.bMarks[start + 1],
    state.eMarks[start + 1]
  );
  const isWide =
    rule.split('|').length > MAX_COLUMNS + 2 && /^[\s|:-]+$/.test(rule);
  if (!isWide) {
    return false;
  }
  if (!silent) {
    const token = state.push('fence', 'code', 0);
    token.map = [start, start + 2];
    token.content = state.getLines(start, start + 2, state.blkIndent, true);
    state.line = start + 2;
  }
  return true;
}

const MAY_BEGIN_FORMULA = /^(?:\$\$|\\\[|\\begin\{)/;

type ReadFormula = ReturnType<typeof formulaRules>['inline'];

/** Recognise a formula within a paragraph. This is a rule of the parser, which adds no token if `silent`. */
function inlineRule(
  state: InlineState,
  silent: boolean,
  read: ReadFormula
): boolean {
  const { src, pos, posMax } = state;
  const first = src[pos];
  if (first !== '$' && first !== '\\') {
    return false;
  }
  const end = Math.min(posMax, pos + LONGEST_FORMULA);
  const formula = read(src.slice(pos, end));
  if (!formula) {
    return false;
  }
  if (!silent) {
    state.push('formula', '', 0).meta = { ...formula };
  }
  state.pos += formula.raw.length;
  return true;
}

/** Recognise a formula that takes whole lines. This is a rule of the parser. */
function blockRule(
  state: BlockState,
  start: number,
  end: number,
  silent: boolean,
  read: ReadFormula
): boolean {
  const begin = state.bMarks[start] + state.tShift[start];
  const isIndented = state.sCount[start] - state.blkIndent >= 4;
  if (
    isIndented ||
    !MAY_BEGIN_FORMULA.test(state.src.slice(begin, begin + 8))
  ) {
    return false;
  }
  const last = Math.min(end, start + 400);
  const lines = state
    .getLines(start, last, state.blkIndent, false)
    .slice(0, LONGEST_FORMULA);
  const formula = read(lines);
  if (!formula) {
    return false;
  }
  if (!silent) {
    const token = state.push('formula', '', 0);
    token.meta = { ...formula };
    state.line = start + formula.raw.trimEnd().split('\n').length;
    token.map = [start, state.line];
  }
  return true;
}

/** Keep each definition of a link as a paragraph: many models write their sources in this form, and refer to none of them. */
function showDefinitions(parser: Parser): void {
  const { ruler } = parser.block;
  const read = ruler.__rules__.find(({ name }) => name === 'reference')!.fn;
  ruler.at('reference', (state, start, end, silent) => {
    const begin = state.bMarks[start] + state.tShift[start];
    // A note's text, as in `[^1]: Appendix`, is no address.
    const isNote = state.src.startsWith('[^', begin);
    if (isNote || !read(state, start, end, silent)) {
      return false;
    }
    const source = state.getLines(start, state.line, state.blkIndent, false);
    state.push('paragraph_open', 'p', 1).map = [start, state.line];
    const content = state.push('inline', '', 0);
    // The label is a text here, and not a link to the address that follows it.
    content.content = '\\' + source.trim();
    content.children = [];
    state.push('paragraph_close', 'p', -1);
    return true;
  });
}

/** Draw the box of a ticked or open task in a list. */
function drawTasks({ tokens }: CoreState): void {
  tokens.forEach((token, index) => {
    const text = tokens[index + 2]?.children?.[0];
    if (token.type === 'list_item_open' && text?.type === 'text') {
      text.content = text.content.replace(/^\[([ xX])\](?=\s)/, (_, mark) =>
        mark === ' ' ? '☐' : '☑'
      );
    }
  });
}

const ADDRESS =
  /(?<![\w@.])(?:https?:\/\/|www\.)[^\s<>"'`|\\$*{}[\]]{3,2000}/gi;

/** Turn the addresses that stand bare in a text into links. */
function linkAddresses({ tokens }: CoreState): void {
  for (const token of tokens) {
    if (token.type === 'inline' && /:\/\/|www\./i.test(token.content)) {
      let links = 0;
      token.children = (token.children ?? []).flatMap(child => {
        links += child.type.startsWith('link_') ? child.nesting : 0;
        return child.type === 'text' && !links ? withLinks(child) : [child];
      });
    }
  }
}

function withLinks(token: Token): Token[] {
  const parts: Token[] = [];
  let at = 0;
  const addText = (end: number): void => {
    const part = new MarkdownIt.Token('text', '', 0);
    part.content = token.content.slice(at, end);
    part.level = token.level;
    parts.push(part);
    at = end;
  };
  for (const { 0: found, index } of token.content.matchAll(ADDRESS)) {
    const shown = withoutTail(found);
    const href = /^http/i.test(shown) ? shown : `http://${shown}`;
    if (linkTarget(href)) {
      addText(index);
      const open = new MarkdownIt.Token('link_open', 'a', 1);
      open.attrs = [['href', href]];
      parts.push(open);
      addText(index + shown.length);
      parts.push(new MarkdownIt.Token('link_close', 'a', -1));
    }
  }
  addText(token.content.length);
  return parts;
}

/** Drop what belongs to the sentence and not to the address: punctuation at the end, and brackets that it does not open. */
function withoutTail(address: string): string {
  let open = address.split('(').length - address.split(')').length;
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    if (last === ')' && open < 0) {
      open += 1;
    } else if (!/[.,;:!?_~]/.test(last)) {
      break;
    }
  }
  return address.slice(0, end);
}
