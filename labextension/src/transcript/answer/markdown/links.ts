/**
 * Makes links to places outside the notebook, which are followed only at a click.
 * `llm_notebook/transcript/markdown/links.py` allows the same addresses.
 */

import { el } from '../../dom/elements';
import type { Child } from '../../dom/elements';
import type { IHost } from '../../drawing/host';

/** The length of the longest address that can be a link. */
const LONGEST = 2000;

/** Characters that no address has: blanks, controls, what is invisible or changes the direction, and `\`, which some programs read as `/`. */
const NOT_IN_AN_ADDRESS =
  // eslint-disable-next-line no-control-regex -- such characters are what it looks for
  /[\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const WEB = /^https?:\/\/([^/?#]*)/i;
const HOST = /^[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?$/;
const MAIL = /^mailto:[\w.+=-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/i;

/**
 * The address of a page on the web; null for every other text. A user name
 * before the host can look like another host, and hardly any link needs an
 * address in brackets (IPv6), so neither is accepted.
 */
export function webAddress(text: string): URL | null {
  const place = WEB.exec(text)?.[1] ?? '@';
  const url = /[@[%]/.test(place) ? null : parse(text);
  const host = url?.hostname.replace(/\.$/, '') ?? '';
  return HOST.test(host) && !host.includes('..') ? url : null;
}

/** What a link in an answer may lead to: a page on the web, or one mail address without a subject or text. */
export function linkTarget(text: string): URL | null {
  const mail = text.split('?', 1)[0];
  return MAIL.test(mail) ? parse(mail) : webAddress(text);
}

function parse(text: string): URL | null {
  if (text.length > LONGEST || NOT_IN_AN_ADDRESS.test(text)) {
    return null;
  }
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** A link that opens beside the notebook and tells its target nothing about the notebook. */
export function outsideLink(
  url: URL,
  host: () => IHost,
  ...label: Child[]
): HTMLAnchorElement {
  const link = el('a', '', ...label);
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
  return link;
}
