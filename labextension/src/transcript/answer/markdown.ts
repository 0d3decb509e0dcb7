/**
 * Markdown of a model's, made harmless. Raw HTML is shown as text; what is left
 * passes an allow list of elements and attributes; nothing is fetched, styled or
 * named by the model. Code, links, images, tables and formulas are then drawn by us.
 */

import createDOMPurify from 'dompurify';
import type { DOMPurify } from 'dompurify';
import { Marked, walkTokens } from 'marked';
import type { Token, TokensList, Tokens } from 'marked';

import { el } from '../dom/elements';
import { icon } from '../dom/icons';
import type { IHost } from '../host';
import { codeBlock } from './codeBlock';
import { mathRules, typeset } from './math';

export type Links = TokensList['links'];

const ALLOWED = {
  ALLOWED_TAGS: (
    'p h1 h2 h3 h4 ul ol li blockquote strong em del code pre br hr ' +
    'table thead tbody tr th td a q var'
  ).split(' '),
  ALLOWED_ATTR: ['href', 'cite', 'title', 'align', 'start'],
  ADD_URI_SAFE_ATTR: ['align', 'start'],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM: true
} as const;

/** Parses and sanitises; holds no text. */
export class Markdown {
  private readonly parser = new Marked({
    gfm: true,
    renderer: {
      html: ({ text, block }) =>
        block ? `<p>${escaped(text.trimEnd())}</p>` : escaped(text),
      code: ({ text, lang }) =>
        `<pre><code title="${escaped(word(lang))}">${escaped(text)}</code></pre>`,
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
    extensions: mathRules
  });
  private readonly purifier: DOMPurify = createDOMPurify(window);

  /** The top-level tokens of a text. Links defined earlier hold in it too; `links` of the result are those and its own. */
  tokens(text: string, links: Links): TokensList {
    const lexer = new this.parser.Lexer(this.parser.defaults);
    Object.assign(lexer.tokens.links, links);
    return withGaps(lexer.lex(text), text);
  }

  /** What top-level tokens look like: nodes of ours, ready to be shown. */
  nodes(tokens: Token[], host: () => IHost): Node[] {
    const html = this.parser.parser(tokens);
    const body = this.purifier.sanitize(html, ALLOWED_CONFIG) as HTMLElement;
    dress(body, host);
    return Array.from(body.childNodes).filter(
      node => node.nodeType !== Node.TEXT_NODE || node.textContent?.trim()
    );
  }
}

/** Give every character of a text a token: the parser has none for a link that is defined a second time. */
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

const ALLOWED_CONFIG = {
  ...ALLOWED,
  ALLOWED_ATTR: [...ALLOWED.ALLOWED_ATTR],
  ADD_URI_SAFE_ATTR: [...ALLOWED.ADD_URI_SAFE_ATTR]
};

function escaped(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;');
}

function word(info: string | undefined): string {
  return (/^[\w+#.-]+/.exec(info ?? '')?.[0] ?? '').slice(0, 24);
}

/** Whether a token is a fence of code, so that it can be grown without being drawn anew. */
export function isCode(token: Token): token is Tokens.Code {
  return token.type === 'code';
}

/** The links that tokens define, and what is in them. */
export function definitions(tokens: Token[]): Links {
  const found = Object.create(null) as Links;
  walkTokens(tokens, token => {
    if (token.type === 'def') {
      const { tag, href, title } = token as Tokens.Def;
      found[tag] ??= { href, title };
    }
  });
  return found;
}

/** The language that a fence names. */
export function languageOf(token: Tokens.Code): string {
  return word(token.lang);
}

/** Draw what only we may draw. The nodes are still in a document without a window: nothing in it can be fetched or run. */
function dress(body: HTMLElement, host: () => IHost): void {
  for (const node of all(body, 'pre')) {
    const code = node.querySelector('code');
    node.replaceWith(
      codeBlock(code?.textContent ?? '', code?.title ?? '', host).node
    );
  }
  for (const node of all(body, 'var')) {
    node.replaceWith(typeset(node.textContent ?? ''));
  }
  for (const node of all(body, 'q')) {
    node.replaceWith(
      blockedImage(node.getAttribute('cite') ?? '', node.textContent ?? '')
    );
  }
  for (const node of all(body, 'a')) {
    dressLink(node as HTMLAnchorElement, host);
  }
  for (const node of all(body, 'table')) {
    dressTable(node);
  }
  for (const node of all(body, '[title]')) {
    if (!node.className) {
      node.removeAttribute('title');
    }
  }
}

function all(body: HTMLElement, selector: string): HTMLElement[] {
  return Array.from(body.querySelectorAll<HTMLElement>(selector));
}

function dressLink(node: HTMLAnchorElement, host: () => IHost): void {
  const url = address(node.getAttribute('href') ?? '');
  if (!url) {
    node.replaceWith(...Array.from(node.childNodes));
    return;
  }
  const link = el('a', '', ...Array.from(node.childNodes));
  link.href = url.href;
  link.target = '_blank';
  link.rel = 'noopener noreferrer';
  link.addEventListener('click', event => {
    const open = host().openLink;
    if (open) {
      event.preventDefault();
      open(url.href);
    }
  });
  const where = url.protocol === 'mailto:' ? url.pathname : url.host;
  const shown = link.textContent ?? '';
  if (isSame(shown, url)) {
    node.replaceWith(link);
  } else {
    node.replaceWith(link, ' ', el('span', 'llm-host', where.slice(0, 80)));
  }
}

/** Whether a link's own words are its address. */
function isSame(shown: string, url: URL): boolean {
  const bare = url.href.replace(/^(?:https?:\/\/|mailto:)/, '');
  return (
    [url.href, bare, bare.replace(/\/$/, '')].includes(
      shown.replace(/^https?:\/\//, '')
    ) || shown === url.href
  );
}

function address(href: string): URL | null {
  try {
    return new URL(href);
  } catch {
    return null;
  }
}

function blockedImage(source: string, alt: string): HTMLElement {
  const url = /^https?:/i.test(source) ? address(source) : null;
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

function dressTable(table: HTMLElement): void {
  for (const cell of all(table, 'th, td')) {
    if (cell.getAttribute('align') === 'right') {
      cell.className = 'llm-r';
    }
    cell.removeAttribute('align');
  }
  for (const cell of all(table, 'th')) {
    cell.setAttribute('scope', 'col');
  }
  const scroll = el('div', 'llm-scroll');
  table.replaceWith(scroll);
  scroll.append(table);
}
