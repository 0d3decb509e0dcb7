/** Lists of the side panel: a name with a number at the right, one quiet line, and what can be done with it. */

import { attrs, button, el, refill } from '../transcript/dom/elements';
import type { Child } from '../transcript/dom/elements';

export interface IItem {
  /** Tells the rows of a list apart. */
  key: string;
  name: Child[];
  /** The name in full, since it may be cut. */
  title: string;
  number?: string;
  under?: Child[];
  /** What stands below, over the whole width. */
  below?: Child[];
  actions?: HTMLElement[];
  /** Whether the actions are there without a pointer or the keyboard focus on the row. */
  shows?: boolean;
  /** What Enter does. */
  open?: () => void;
  /** What Escape does first, while the row asks something. */
  cancel?: () => void;
}

/** A text button without an edge. */
export function plain(
  label: Child,
  act: () => void,
  ...more: Child[]
): HTMLButtonElement {
  const node = button('llm-plain llm-ink', label, act);
  more.forEach(child => child && node.append(child));
  return node;
}

/** How long to wait for another letter, in milliseconds. */
const TYPING = 250;

/** A field to search with, which asks a moment after the last letter. */
export function searchField(label: string, ask: () => void): HTMLInputElement {
  const field = el('input', 'llm-input llm-find');
  attrs(field, { type: 'search', placeholder: label, 'aria-label': label });
  let timer: ReturnType<typeof setTimeout> | undefined;
  field.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING);
  });
  return field;
}

/** A bar with what it says in words. */
export function bar(
  share: number,
  words: string,
  isLive: boolean
): HTMLElement {
  const full = el('i');
  const percent = Math.round(100 * Math.min(1, Math.max(0, share)));
  full.style.setProperty('--n', `${percent}%`);
  return attrs(el('div', isLive ? 'llm-bar llm-live' : 'llm-bar', full), {
    role: 'progressbar',
    'aria-valuemin': '0',
    'aria-valuemax': '100',
    'aria-valuenow': String(percent),
    'aria-label': words
  });
}

export class List {
  readonly node = el('ul', 'llm-list');
  private rows: HTMLElement[] = [];
  private items: IItem[] = [];

  constructor(label: string) {
    attrs(this.node, { 'aria-label': label });
    this.node.addEventListener('keydown', event => this.press(event));
  }

  /** Show these rows. The one with the keyboard focus keeps it, as far as it is still there; the panel does not scroll to it. */
  draw(items: IItem[]): void {
    const at = this.rows.findIndex(row => row.contains(document.activeElement));
    const before = at < 0 ? undefined : this.items[at];
    const key = before?.key;
    const inside =
      at < 0
        ? -1
        : focusables(this.rows[at]).indexOf(
            document.activeElement as HTMLElement
          );
    this.items = items;
    this.rows = items.map(rowOf);
    this.node.hidden = items.length === 0;
    refill(this.node, ...this.rows);
    const now = Math.max(
      0,
      items.findIndex(item => item.key === key)
    );
    this.rows.forEach((row, index) => (row.tabIndex = index === now ? 0 : -1));
    if (at >= 0 && this.rows.length) {
      // The actions of a row may be there only while the row has the focus.
      this.rows[now].focus({ preventScroll: true });
      // A row that asks something ends with the way back, so that Enter pressed twice does not agree, and then with what asked.
      const turns = !items[now].cancel !== !before?.cancel;
      const nodes = focusables(this.rows[now]);
      const last = nodes.length - 1;
      nodes[turns && inside >= 0 ? last : inside]?.focus({
        preventScroll: true
      });
    }
  }

  private press(event: KeyboardEvent): void {
    const at = this.rows.findIndex(row => row.contains(event.target as Node));
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isOnRow = event.target === this.rows[at];
    const next = step ? this.rows[at + step] : undefined;
    if (next && (isOnRow || event.target instanceof HTMLButtonElement)) {
      this.rows[at].tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      event.preventDefault();
    } else if (event.key === 'Enter' && isOnRow && this.items[at]?.open) {
      this.items[at].open?.();
      event.preventDefault();
    } else if (event.key === 'Escape' && this.items[at]?.cancel) {
      this.items[at].cancel?.();
      event.stopPropagation();
    }
  }
}

const focusables = (row: HTMLElement): HTMLElement[] =>
  Array.from(row.querySelectorAll<HTMLElement>('button, input, a[href]'));

function rowOf(item: IItem): HTMLElement {
  const name = attrs(el('span', '', ...item.name), { title: item.title });
  const row = el(
    'li',
    item.shows ? 'llm-item llm-shows' : 'llm-item',
    el(
      'div',
      'llm-top',
      name,
      item.number && el('span', 'llm-num', item.number)
    ),
    ...(item.below ?? []),
    Boolean(item.under?.length) &&
      el('div', 'llm-under', ...(item.under ?? []).map(said)),
    Boolean(item.actions?.length) &&
      el('div', 'llm-do', ...(item.actions ?? []))
  );
  const { open } = item;
  if (open) {
    name.classList.add('llm-opens');
    name.addEventListener('click', () => open());
  }
  return row;
}

const said = (child: Child): Child =>
  typeof child === 'string' ? child && el('span', '', child) : child;

/** A text with the first of the words that were looked for marked. */
export function marked(text: string, query: string): Child[] {
  const [word = ''] = query.trim().split(/\s+/);
  const at = word ? text.toLowerCase().indexOf(word.toLowerCase()) : -1;
  return at < 0
    ? [text]
    : [
        text.slice(0, at),
        el('mark', '', text.slice(at, at + word.length)),
        text.slice(at + word.length)
      ];
}
