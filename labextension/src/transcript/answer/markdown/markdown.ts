/**
 * Turns a model's Markdown into nodes that can do no harm.
 *
 * JupyterLab trusts the output of a cell that has just run, so nothing but this
 * file stands between a model and the page. Three steps follow each other:
 *
 * 1. The parser makes HTML in which raw HTML of the model's is text. What needs
 *    more than an element, such as an image, is carried by an element that
 *    Markdown cannot make otherwise: `q` for images, `var` for formulas, `ins` for
 *    blocks.
 * 2. DOMPurify keeps only the listed elements and attributes. No class, style,
 *    id or `data-` attribute gets through, and no address but http and mailto.
 * 3. Our own code draws code blocks, links, images, tables and formulas in place
 *    of what carries them. An image is fetched only after a click, and a link
 *    whose text is not its address is followed by the host that it leads to.
 */

import createDOMPurify from 'dompurify';
import type { DOMPurify } from 'dompurify';

import { asGroup } from '../../dom/boxes';
import { attrs, el } from '../../dom/elements';
import { limitMarks, oneLine } from '../../dom/formatting';
import { icon } from '../../dom/icons';
import { visible } from '../../dom/visible';
import type { IHost } from '../../drawing/host';
import { Slices } from '../../drawing/slices';
import { codeBlock } from '../code/block';
import { linkTarget, outsideLink, webAddress } from './links';
import { carrierOf, formulaIn } from '../formulas/rules';
import type { IFormula, IGrowth } from '../formulas/rules';
import { asSource, Formulas } from '../formulas/formulas';
import type { LoadTypesetter } from '../formulas/formulas';
import { makeParser, parseBlocks } from './parser';
import type { IBlock, Links, Token } from './parser';
import { trans, withNodes } from '../../dom/translation';

const SANITISING = {
  ALLOWED_TAGS: (
    'p h1 h2 h3 h4 ul ol li blockquote strong em del code pre br hr ' +
    'table thead tbody tr th td a q var ins sub sup'
  ).split(' '),
  ALLOWED_ATTR: ['href', 'cite', 'title', 'align', 'start', 'colspan'],
  ADD_URI_SAFE_ATTR: ['align', 'start', 'colspan'],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM: true as const
};

/** Stands for `|` in a formula in a table, where a bar would end the cell. It is a noncharacter of Unicode. */
const BAR = '\ufdd1';

/** A table row that leaves out more cells than this at its end has one empty cell in their place. */
const MAX_EMPTY_CELLS = 8;

/** A text that has been parsed. */
export interface IParsed {
  blocks: IBlock[];
  links: Links;
  endsOpen: boolean;
}

/** Parses and draws Markdown. It keeps no text, so one instance serves a whole transcript. */
export class Markdown {
  private readonly growth: IGrowth = { growing: null, foundOpen: false };
  private readonly formulas: Formulas;
  private readonly parser = makeParser(this.growth);
  private readonly purifier: DOMPurify = createDOMPurify(window);

  /** Without a library that sets formulas, they are shown as their source. */
  constructor(
    load?: LoadTypesetter,
    readonly slices = new Slices()
  ) {
    this.formulas = new Formulas(load);
    const { rules } = this.parser.renderer;
    rules.fence = rules.code_block = (tokens, at) =>
      `<pre><code title="${escaped(languageOf(tokens[at]))}">${escaped(codeIn(tokens[at]))}</code></pre>`;
    rules.formula = (tokens, at) =>
      carrierOf(tokens[at].meta as unknown as IFormula);
    rules.image = (tokens, at, options, env, self) =>
      `<q cite="${escaped(attribute(tokens[at], 'src'))}">${escaped(
        self.renderInlineAsText(tokens[at].children ?? [], options, env)
      )}</q>`;
    rules.link_open = (tokens, at) =>
      `<a href="${escaped(attribute(tokens[at], 'href'))}">`;
    rules.text = (tokens, at) => escaped(limitMarks(tokens[at].content));
    rules.hardbreak = () => '<br>';
    rules.s_open = () => '<del>';
    rules.s_close = () => '</del>';
    rules.heading_open = (tokens, at) => `<${headingOf(tokens[at])}>`;
    rules.heading_close = (tokens, at) => `</${headingOf(tokens[at])}>`;
    rules.th_open = rules.td_open = (tokens, at) => cellOf(tokens[at]);
  }

  /**
   * The top-level blocks of a text in which these links are defined already,
   * and all links with those that the text defines. `growing` says that more of
   * the text may come, and `endsOpen` that it ends in a formula whose other
   * half may come.
   */
  parse(text: string, known: Links, growing = false): IParsed {
    const source = withBars(text);
    this.growth.growing = growing ? source.trimEnd() : null;
    this.growth.foundOpen = false;
    const parsed = parseBlocks(this.parser, source, known);
    return { ...parsed, endsOpen: this.growth.foundOpen };
  }

  /**
   * The nodes of each of these blocks, ready for the page. Drawing them
   * together takes less time than one by one. `isWanted` is asked later whether
   * a node is still to be finished, and `room` is how many formulas may be set.
   */
  nodes(
    blocks: IBlock[],
    host: () => IHost,
    isWanted: (node: Node) => boolean = () => true,
    room: () => number = () => Infinity
  ): Node[][] {
    const { renderer, options } = this.parser;
    const marked = blocks
      .map(({ tokens }) =>
        renderer.render(withoutEmptyCells(tokens), options, {})
      )
      .map(inner => `<ins>${inner}</ins>`)
      .join('');
    const html = withoutBars(marked);
    const body = this.purifier.sanitize(html, SANITISING) as HTMLElement;
    for (const node of findAll(body, 'pre')) {
      const code = node.querySelector('code');
      const { textContent, title } = code ?? { textContent: '', title: '' };
      node.replaceWith(
        codeBlock(textContent ?? '', title, host, this.slices, isWanted).node
      );
    }
    const formulas = findAll(body, 'var');
    const most = formulas.length ? room() : 0;
    formulas.forEach((node, index) => {
      const formula = formulaIn(node);
      node.replaceWith(
        index < most ? this.formulas.draw(formula, isWanted) : asSource(formula)
      );
    });
    replaceCarriers(body, host);
    return Array.from(body.children).map(block =>
      Array.from(block.childNodes).filter(node => !isBlank(node))
    );
  }
}

/** Whether a node is only the space between blocks, or a paragraph that consists of line breaks. */
function isBlank(node: Node): boolean {
  const isText = node.nodeType === Node.TEXT_NODE;
  const isBreaks =
    node instanceof Element &&
    node.tagName === 'P' &&
    Array.from(node.children).every(child => child.tagName === 'BR');
  return (isText || isBreaks) && !node.textContent?.trim();
}

/** Whether a block is code. */
export function isCode({ kind }: IBlock): boolean {
  return kind === 'fence' || kind === 'code_block';
}

/** The language of a block of code: the first word after the fence. The rest of that line could be anything. */
export function languageOf({ info }: Token): string {
  return (/^\s*([\w+#.-]+)/.exec(info)?.[1] ?? '').slice(0, 24);
}

/** The text of a block of code, without the last line break. */
export function codeIn({ content }: Token): string {
  return withoutBars(content.replace(/\n$/, ''));
}

function attribute(token: Token, name: string): string {
  return String(token.attrGet(name) ?? '');
}

function headingOf({ tag }: Token): string {
  return `h${Math.min(Number(tag.slice(1)), 4)}`;
}

function cellOf(token: Token): string {
  const isRight = attribute(token, 'style') === 'text-align:right';
  const span = Number(token.meta?.span ?? 1);
  return (
    `<${token.tag}${isRight ? ' align="right"' : ''}` +
    `${span > 1 ? ` colspan="${span}"` : ''}>`
  );
}

/** The tokens of a table with one cell in place of many empty ones at the end of a row. */
function withoutEmptyCells(tokens: Token[]): Token[] {
  const kept: Token[] = [];
  for (const token of tokens) {
    if (token.type === 'tr_close') {
      let empty = 0;
      while (
        kept[kept.length - 1 - 3 * empty].type === 'td_close' &&
        !kept[kept.length - 2 - 3 * empty].children?.length
      ) {
        empty += 1;
      }
      if (empty > MAX_EMPTY_CELLS) {
        kept.length -= 3 * (empty - 1);
        kept[kept.length - 3].meta = { span: empty };
      }
    }
    kept.push(token);
  }
  return kept;
}

/** A line that may be a row of a table, and in it the formulas that may hold a bar. */
const ROW = /^[^|\r\n\u2028\u2029]*\|.*$/gm;
const FORMULA_IN_ROW =
  /\\[^(]|\$(?![\s$])(?:[^$\\]|\\.)+?\$(?!\d)|\\\((?:[^\\]|\\[^()])+?\\\)/g;

/** The text, of the same length, without the bars of formulas in tables. */
function withBars(text: string): string {
  return text.includes('|') && /[$]|\\\(/.test(text)
    ? text.replace(ROW, row =>
        row.replace(FORMULA_IN_ROW, found =>
          // An escaped sign does not begin a formula.
          /^\\[^(]/.test(found) ? found : found.replace(/\|/g, BAR)
        )
      )
    : text;
}

/** The text with the bars of its formulas back in their places. */
export function withoutBars(text: string): string {
  return text.split(BAR).join('|');
}

function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}

/**
 * Replace the elements that carry images, links and tables with what we draw.
 * The nodes are not yet in a document with a window, so nothing is fetched or
 * run.
 */
function replaceCarriers(body: HTMLElement, host: () => IHost): void {
  for (const node of findAll(body, 'q')) {
    node.replaceWith(
      blockedImage(node.getAttribute('cite') ?? '', node.textContent ?? '')
    );
  }
  for (const node of findAll(body, 'a')) {
    replaceLink(node as HTMLAnchorElement, host);
  }
  for (const node of findAll(body, 'table')) {
    finishTable(node);
  }
  findAll(body, 'ol').forEach(makeRoomForNumbers);
  // `title` carried the language of code; it is kept only where we have set it.
  for (const node of findAll(body, '[title]')) {
    if (!node.className) {
      node.removeAttribute('title');
    }
  }
}

function findAll(body: HTMLElement, selector: string): HTMLElement[] {
  return Array.from(body.querySelectorAll<HTMLElement>(selector));
}

function replaceLink(node: HTMLAnchorElement, host: () => IHost): void {
  const url = linkTarget(node.getAttribute('href') ?? '');
  if (!url) {
    node.replaceWith(...Array.from(node.childNodes));
    return;
  }
  const link = outsideLink(url, host, ...Array.from(node.childNodes));
  const where = url.protocol === 'mailto:' ? url.pathname : url.host;
  const shown = link.textContent ?? '';
  if (isAddress(shown, url)) {
    node.replaceWith(link);
  } else {
    node.replaceWith(link, ' ', el('span', 'llm-host', where.slice(0, 80)));
  }
}

/** Whether the text of a link is its address. */
function isAddress(shown: string, url: URL): boolean {
  const bare = url.href.replace(/^(?:https?:\/\/|mailto:)/, '');
  return (
    [url.href, bare, bare.replace(/\/$/, '')].includes(
      shown.replace(/^https?:\/\//, '')
    ) || shown === url.href
  );
}

/** A row that stands for an image, and loads it when the reader asks for it. */
function blockedImage(source: string, alt: string): HTMLElement {
  const url = webAddress(source);
  const what = url ? url.host + url.pathname : alt;
  const row = el(
    'span',
    'llm-blocked',
    icon('image'),
    ' ',
    ...(what
      ? withNodes(
          trans.__('Image not loaded: %1'),
          el('span', 'llm-code', what.slice(0, 120))
        )
      : [trans.__('Image not loaded')])
  );
  if (url) {
    const load = el('button', 'llm-plain', trans.__('Load once'));
    load.type = 'button';
    load.addEventListener('click', () => {
      const image = el('img', 'llm-image');
      image.referrerPolicy = 'no-referrer';
      image.alt = alt;
      image.src = url.href;
      row.replaceWith(image);
    });
    row.append(' ', load);
  }
  return row;
}

/** Make room for a list's numbers, which the left edge would otherwise cut off. */
export function makeRoomForNumbers(list: Element): void {
  if (list instanceof HTMLOListElement) {
    const last = list.start + list.childElementCount - 1;
    list.style.setProperty('--llm-digits', String(String(last).length));
  }
}

/** Align and scope the cells of a table, and let it scroll sideways, by the keyboard too. */
function finishTable(table: HTMLElement): void {
  for (const cell of findAll(table, 'th, td')) {
    if (cell.getAttribute('align') === 'right') {
      cell.className = 'llm-r';
    }
    cell.removeAttribute('align');
  }
  const names: string[] = [];
  for (const cell of findAll(table, 'th')) {
    const name = cell.textContent?.trim() ?? '';
    if (name) {
      names.push(name);
      cell.setAttribute('scope', 'col');
    } else {
      // A screen reader does not read an empty cell as a header.
      cell.replaceWith(el('td', cell.className));
    }
  }
  const scroll = asGroup(
    attrs(el('div', 'llm-scroll'), { tabindex: '0' }),
    oneLine(visible(trans.__('Table: %1', names.join(', '))), 120)
  );
  table.replaceWith(scroll);
  scroll.append(table);
}
