/**
 * Draws the arguments of a call exactly as they will run.
 *
 * The kernel sends only a part of a long value: its first lines, or its head
 * and its tail if its lines are long. The card takes no consent until the
 * reader has opened every such value, which fetches the whole text; the editor
 * waits for the same texts.
 */

import type { IParam, IRequest } from '../../protocol/document';
import { noteNode, well } from '../../dom/boxes';
import { attrs, el, refill, uniqueId } from '../../dom/elements';
import { count, sentenceOf } from '../../dom/formatting';
import {
  hiddenNote,
  nameNodes,
  nameNote,
  visible,
  visibleNodes
} from '../../dom/visible';
import { trans } from '../../dom/translation';

/** Fetches the full text of the argument with this name. */
export type FetchValue = (name: string) => Promise<string>;

/** The table of a call's arguments. */
export class Params {
  readonly node = el('table', 'llm-params');
  /** The full texts of the long values that were opened. */
  readonly opened = new Map<string, string>();
  private readonly fetching = new Map<string, Promise<string>>();
  /** Functions that show the full text of a long value. */
  private readonly unfold = new Map<string, (text: string) => void>();

  /**
   * @param fetch gives the function that fetches long values, if there is one now.
   * @param onOpened is called after the full text of a long value is shown.
   */
  constructor(
    private readonly request: IRequest,
    private readonly fetch: () => FetchValue | undefined,
    private readonly onOpened: () => void
  ) {
    const body = el('tbody');
    for (const param of request.params) {
      body.append(this.makeRow(param));
    }
    this.node.append(makeCaption(request), body);
  }

  /** The names of the long values that the reader has not opened yet. */
  get unopened(): string[] {
    return this.request.params
      .filter(param => param.cut && !this.opened.has(param.name))
      .map(param => param.name);
  }

  /** The full text of an argument; null if it is long and was not opened. */
  textOf(param: IParam): string | null {
    return param.cut ? (this.opened.get(param.name) ?? null) : param.text;
  }

  /** Fetch and show the full text of a long value, once. Rejects with a sentence for the reader. */
  open(name: string): Promise<string> {
    const fetch = this.fetch();
    if (!fetch) {
      return Promise.reject(
        new Error(trans.__('Start the kernel to see all of it.'))
      );
    }
    let coming = this.fetching.get(name);
    if (!coming) {
      coming = fetch(name).then(text => {
        this.opened.set(name, text);
        this.unfold.get(name)?.(text);
        this.onOpened();
        return text;
      });
      coming.catch(() => this.fetching.delete(name));
      this.fetching.set(name, coming);
    }
    return coming;
  }

  private makeRow(param: IParam): HTMLElement {
    const value = el('td');
    const ofName = nameNote(param.name);
    const note = (text: string): Node | null =>
      noteNode([ofName, hiddenNote(text)].filter(Boolean).join(' '));
    if (param.cut) {
      this.unfold.set(param.name, text => {
        const open = well(...visibleNodes(text));
        open.classList.add('llm-long');
        attrs(open, { tabindex: '0', 'aria-label': param.name });
        const focused = value.contains(document.activeElement);
        refill(value, open, note(text));
        if (focused) {
          open.focus({ preventScroll: true });
        }
      });
      refill(value, this.cutWell(param), note(param.text));
    } else {
      refill(value, well(...visibleNodes(param.text)), note(param.text));
    }
    const head = attrs(
      el(
        'th',
        '',
        el('code', '', ...nameNodes(param.name)),
        el('small', '', visible(param.type))
      ),
      { scope: 'row' }
    );
    return el('tr', '', head, value);
  }

  /** A well with a button in place of what is missing. */
  private cutWell(param: IParam): HTMLElement {
    const { at, hidden, total, lines } = param.cut!;
    const id = uniqueId();
    const label = el(
      'span',
      '',
      lines
        ? trans.__(
            '%1 of %2 lines hidden',
            count(lines.hidden),
            count(lines.total)
          )
        : trans.__('%1 of %2 characters hidden', count(hidden), count(total))
    );
    const all = lines
      ? trans.__('Show all %1 lines', count(lines.total))
      : trans.__('Show all');
    const isAtEnd = at >= param.text.length;
    const className = isAtEnd ? 'llm-cut llm-at-end' : 'llm-cut';
    const cut = attrs(el('button', className, label, el('b', '', all)), {
      type: 'button',
      'aria-expanded': 'false',
      'aria-controls': id
    });
    cut.addEventListener('click', () => {
      label.textContent = trans.__('Fetching…');
      this.open(param.name).catch((error: unknown) => {
        label.textContent = sentenceOf(error);
      });
    });
    const node = well(
      ...visibleNodes(param.text.slice(0, at)),
      cut,
      ...visibleNodes(param.text.slice(at))
    );
    node.id = id;
    return node;
  }
}

function makeCaption(request: IRequest): HTMLElement {
  const node = el('caption');
  if (request.params.length === 0) {
    node.append(el('b', '', trans.__('No arguments')));
  } else {
    node.append(
      el('b', '', trans.__('Arguments')),
      ' \u2002',
      el('span', 'llm-wide', trans.__('exactly these will run'))
    );
  }
  return node;
}

/** The first eight digits of a digest, which are enough to compare by eye. */
export function shortDigest(digest: string): string {
  const short = visible(digest.replace(/^\w+:/, '')).slice(0, 8);
  return `${short.slice(0, 4)} ${short.slice(4)}`.trim();
}
