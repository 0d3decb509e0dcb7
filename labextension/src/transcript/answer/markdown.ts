/**
 * Turns a model's Markdown into nodes that can do no harm.
 *
 * JupyterLab trusts the output of a cell that has just run, so nothing but this
 * file stands between a model and the page. Three steps follow each other:
 *
 * 1. The parser makes HTML in which raw HTML of the model's is text. What needs
 *    more than an element, such as an image, is carried by an element that
 *    Markdown cannot make otherwise: `q` for images, `var` for formulas.
 * 2. DOMPurify keeps only the listed elements and attributes. No class, style,
 *    id or `data-` attribute gets through, and no address but http and mailto.
 * 3. Our own code draws code blocks, links, images, tables and formulas in place
 *    of what carries them. An image is fetched only after a click, and a link
 *    whose text is not its address is followed by the host that it leads to.
 */

import createDOMPurify from 'dompurify';
import type { DOMPurify } from 'dompurify';
import { Marked, walkTokens } from 'marked';
import type { Token, TokensList, Tokens } from 'marked';

import { el } from '../dom/elements';
import { icon } from '../dom/icons';
import type { IHost } from '../host';
import { codeBlock } from './codeBlock';
import { definitionRule } from './definitionRule';
import type { IDefinition } from './definitionRule';
import { formulaIn, formulaRules, withoutFormulas } from './formulaRules';
import type { IGrowth } from './formulaRules';
import { Formulas } from './formulas';
import type { LoadTypesetter } from './formulas';
import { htmlRules, isBreaks } from './htmlRules';
import { outsideLink } from './links';

export type Links = TokensList['links'];

/** The tokens of a text, and whether it ends in a formula whose other half may still come. */
export type Parsed = TokensList & { endsOpen: boolean };

const SANITISING = {
  ALLOWED_TAGS: (
    'p h1 h2 h3 h4 ul ol li blockquote strong em del code pre br hr ' +
    'table thead tbody tr th td a q var sub sup'
  ).split(' '),
  ALLOWED_ATTR: ['href', 'cite', 'title', 'align', 'start'],
  ADD_URI_SAFE_ATTR: ['align', 'start'],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM: true as const
};

/** Stands for `|` in a formula in a table, where it would end the cell. Unicode has no such character. */
const BAR = '\ufdd1';

/** Parses and draws Markdown. It keeps no text, so that one serves a whole transcript. */
export class Markdown {
  private readonly growth: IGrowth = { growing: null, foundOpen: false };
  private readonly formulas: Formulas;
  private readonly parser = new Marked({
    gfm: true,
    renderer: {
      html: ({ text, block }) =>
        !block
          ? escaped(text)
          : isBreaks(text)
            ? ''
            : `<p>${escaped(text.trimEnd())}</p>`,
      code: ({ text, lang }) =>
        `<pre><code title="${escaped(languageIn(lang))}">${escaped(text)}</code></pre>`,
      image: ({ href, text }) =>
        `<q cite="${escaped(href)}">${escaped(text)}</q>`,
      checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
      heading({ tokens, depth }) {
        const tag = `h${Math.min(depth, 4)}`;
        return `<${tag}>${this.parser.parseInline(tokens)}</${tag}>`;
      },
      link({ href, tokens }) {
        return `<a href="${escaped(href)}">${this.parser.parseInline(tokens)}</a>`;
      }
    },
    tokenizer: { def: () => undefined },
    hooks: { emStrongMask: withoutFormulas },
    extensions: [
      ...formulaRules(this.growth),
      definitionRule(escaped),
      ...htmlRules
    ]
  });
  private readonly purifier: DOMPurify = createDOMPurify(window);

  /** Without a library that sets formulas, they are shown as their source. */
  constructor(load?: LoadTypesetter) {
    this.formulas = new Formulas(load);
  }

  /**
   * The top-level tokens of a text in which these links are defined already. The
   * result's `links` add those that the text defines. `growing` says that more of
   * the text may come.
   */
  tokens(text: string, links: Links, growing = false): Parsed {
    const lexer = new this.parser.Lexer(this.parser.defaults);
    Object.assign(lexer.tokens.links, links);
    const source = withBars(text);
    this.growth.growing = growing ? source.trimEnd() : null;
    this.growth.foundOpen = false;
    const tokens = withGaps(lexer.lex(source), source);
    walkTokens(tokens, token => {
      if (token.type === 'code' || token.type === 'codespan') {
        token.text = withoutBars(token.text);
      }
    });
    return Object.assign(tokens, { endsOpen: this.growth.foundOpen });
  }

  /** The nodes of top-level tokens, ready for the page. */
  nodes(tokens: Token[], host: () => IHost): Node[] {
    const html = withoutBars(this.parser.parser(tokens));
    const body = this.purifier.sanitize(html, SANITISING) as HTMLElement;
    replaceCarriers(body, this.formulas, host);
    return Array.from(body.childNodes).filter(
      node => node.nodeType !== Node.TEXT_NODE || node.textContent?.trim()
    );
  }
}

/** Add tokens for text that the parser leaves out, so that the tokens cover all of it. */
function withGaps(tokens: TokensList, text: string): TokensList {
  let at = 0;
  for (let index = 0; index <= tokens.length; index += 1) {
    const raw = tokens[index]?.raw;
    const found = raw === undefined ? text.length : text.indexOf(raw, at);
    if (found > at) {
      tokens.splice(index, 0, { type: 'space', raw: text.slice(at, found) });
      at = found;
    } else {
      at += raw?.length ?? 0;
    }
  }
  return tokens;
}

/** A line that may be a row of a table, and in it the formulas that may hold a bar. */
const ROW = /^.*\|.*$/gm;
const FORMULA_IN_ROW = /\$(?![\s$])(?:[^$\\]|\\.)+?\$(?!\d)|\\\(.+?\\\)/g;

/** The text, of the same length, without the bars of formulas in tables. */
function withBars(text: string): string {
  return text.includes('|') && /[$]|\\\(/.test(text)
    ? text.replace(ROW, row =>
        row.replace(FORMULA_IN_ROW, formula => formula.replace(/\|/g, BAR))
      )
    : text;
}

function withoutBars(text: string): string {
  return text.split(BAR).join('|');
}

function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}

/** The first word after a fence. The rest of that line could be anything. */
function languageIn(info: string | undefined): string {
  return (/^[\w+#.-]+/.exec(info ?? '')?.[0] ?? '').slice(0, 24);
}

/** Whether a token is a block of code. */
export function isCode(token: Token): token is Tokens.Code {
  return token.type === 'code';
}

/** The links that these tokens and the tokens inside them define. */
export function definitions(tokens: Token[]): Links {
  const found = Object.create(null) as Links;
  walkTokens(tokens, token => {
    if (token.type === 'definition') {
      const { tag, href, title } = token as IDefinition;
      found[tag] ??= { href, title };
    }
  });
  return found;
}

/** The language of a block of code. */
export function languageOf(token: Tokens.Code): string {
  return languageIn(token.lang);
}

/**
 * Replace what carries code, formulas, images, links and tables by what we draw.
 * The nodes are not yet in a document with a window, so nothing is fetched or run.
 */
function replaceCarriers(
  body: HTMLElement,
  formulas: Formulas,
  host: () => IHost
): void {
  for (const node of findAll(body, 'pre')) {
    const code = node.querySelector('code');
    node.replaceWith(
      codeBlock(code?.textContent ?? '', code?.title ?? '', host).node
    );
  }
  for (const node of findAll(body, 'var')) {
    node.replaceWith(formulas.draw(formulaIn(node)));
  }
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
  const url = parseUrl(node.getAttribute('href') ?? '');
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

function parseUrl(href: string): URL | null {
  try {
    return new URL(href);
  } catch {
    return null;
  }
}

/** A row that stands for an image, and loads it when the reader asks for it. */
function blockedImage(source: string, alt: string): HTMLElement {
  const url = /^https?:/i.test(source) ? parseUrl(source) : null;
  const what = url ? url.host + url.pathname : alt;
  const row = el(
    'span',
    'llm-blocked',
    icon('image'),
    ' Image not loaded',
    what ? ': ' : '',
    el('span', 'llm-code', what.slice(0, 120))
  );
  if (url) {
    const load = el('button', 'llm-plain', 'Load once');
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

/** Align and scope the cells of a table, and let it scroll sideways. */
function finishTable(table: HTMLElement): void {
  for (const cell of findAll(table, 'th, td')) {
    if (cell.getAttribute('align') === 'right') {
      cell.className = 'llm-r';
    }
    cell.removeAttribute('align');
  }
  for (const cell of findAll(table, 'th')) {
    cell.setAttribute('scope', 'col');
  }
  const scroll = el('div', 'llm-scroll');
  table.replaceWith(scroll);
  scroll.append(table);
}
