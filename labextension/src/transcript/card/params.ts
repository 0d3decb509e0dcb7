/** The arguments of a call, exactly as they will run. */

import type { IParam, IRequest } from '../document';
import { noteNode, well } from '../dom/boxes';
import { attrs, el, refill, uniqueId } from '../dom/elements';
import { count } from '../dom/formatting';
import { hiddenNote, visible, visibleNodes } from '../dom/visible';

/** Fetches the whole of a long value; missing where nobody can. */
export type Fetch = (name: string) => Promise<string>;

export class Params {
  readonly node = el('table', 'llm-params');
  /** The whole texts of long values that were opened. */
  readonly opened = new Map<string, string>();
  private readonly fetching = new Map<string, Promise<string>>();
  private readonly wells = new Map<string, (text: string) => void>();

  /** `onOpened` is told when a long value can be read as a whole. */
  constructor(
    private readonly request: IRequest,
    private readonly fetch: () => Fetch | undefined,
    private readonly onOpened: () => void
  ) {
    const body = el('tbody');
    for (const param of request.params) {
      body.append(this.row(param));
    }
    this.node.append(caption(request), body);
  }

  /** Names of the long values that nobody has opened yet. */
  get unopened(): string[] {
    return this.request.params
      .filter(param => param.cut && !this.opened.has(param.name))
      .map(param => param.name);
  }

  /** The whole text of a value, as far as it is known here. */
  textOf(param: IParam): string | null {
    return param.cut ? (this.opened.get(param.name) ?? null) : param.text;
  }

  /** Open a long value. Rejects where it cannot be had. */
  open(name: string): Promise<string> {
    const fetch = this.fetch();
    if (!fetch) {
      return Promise.reject(new Error('Start the kernel to see all of it.'));
    }
    let coming = this.fetching.get(name);
    if (!coming) {
      coming = fetch(name).then(text => {
        this.opened.set(name, text);
        this.wells.get(name)?.(text);
        this.onOpened();
        return text;
      });
      coming.catch(() => this.fetching.delete(name));
      this.fetching.set(name, coming);
    }
    return coming;
  }

  private row(param: IParam): HTMLElement {
    const value = el('td');
    const note = (text: string): Node | null => noteNode(hiddenNote(text));
    if (param.cut) {
      this.wells.set(param.name, text => {
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
        el('code', '', ...visibleNodes(param.name)),
        el('small', '', visible(param.type))
      ),
      { scope: 'row' }
    );
    return el('tr', '', head, value);
  }

  private cutWell(param: IParam): HTMLElement {
    const { at, hidden, total } = param.cut!;
    const id = uniqueId();
    const label = el(
      'span',
      '',
      `${count(hidden)} of ${count(total)} characters hidden`
    );
    const cut = attrs(el('button', 'llm-cut', label, el('b', '', 'Show all')), {
      type: 'button',
      'aria-expanded': 'false',
      'aria-controls': id
    });
    cut.addEventListener('click', () => {
      label.textContent = 'Fetching…';
      this.open(param.name).catch((error: unknown) => {
        label.textContent = String((error as Error)?.message ?? error);
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

function caption(request: IRequest): HTMLElement {
  const node = el('caption');
  if (request.params.length === 0) {
    node.append(el('b', '', 'No arguments'));
  } else {
    node.append(
      el('b', '', 'Arguments'),
      ' \u2002',
      el('span', 'llm-wide', 'exactly these will run; '),
      'digest ',
      el('span', 'llm-code', shortDigest(request.digest))
    );
  }
  return node;
}

function shortDigest(digest: string): string {
  const short = visible(digest.replace(/^\w+:/, '')).slice(0, 8);
  return `${short.slice(0, 4)} ${short.slice(4)}`.trim();
}
