/**
 * Draws an answer of rows: the first and the latest while it grows, and once it
 * is complete, its outcome.
 *
 * Rows that are on the page already stay the same elements, so that a selection
 * in them survives, and a row is drawn once.
 */

import type { Cell, ITableBlock } from '../protocol/document';
import { row as boxRow, well } from '../dom/boxes';
import { arrange, attrs, el, refill, setText, withCode } from '../dom/elements';
import { Fold } from '../dom/fold';
import { count, wholeSeconds } from '../dom/formatting';
import { visible, visibleNodes } from '../dom/visible';
import type { IContext, IPiece } from '../drawing/piece';
import { trans, withNodes } from '../dom/translation';

/** Text of more characters than this wraps. */
const LONG = 32;

/** The piece of a table block. */
export class TablePiece implements IPiece {
  readonly node = el('div', 'llm-rows');
  private readonly said = el('div');
  private readonly table = el('table', 'llm-frame');
  private readonly head = el('thead');
  private readonly body = el('tbody');
  private readonly sheet = attrs(
    el('div', 'llm-scroll llm-sheet', this.table),
    { tabindex: '0', role: 'region' }
  );
  private readonly raw = new Fold(() => this.fillRaw());
  private readonly seconds = el('span', 'llm-num');
  /** The rows on the page, by what they show. */
  private rows = new Map<string, HTMLElement>();
  private drawn: ITableBlock | null = null;
  private isLive = false;

  constructor(private readonly index: number) {
    this.table.append(this.head, this.body);
  }

  update(context: IContext): void {
    const block = context.document.blocks[this.index] as ITableBlock;
    const live = context.live && context.newest === this.index && !block.said;
    if (block !== this.drawn || live !== this.isLive) {
      const isNewHead = block.columns !== this.drawn?.columns;
      this.drawn = block;
      this.isLive = live;
      if (isNewHead) {
        this.drawHead(block);
      }
      this.draw(block, live);
    }
    this.tick(context);
  }

  tick(context: IContext): void {
    if (this.isLive) {
      setText(this.seconds, wholeSeconds(context.elapsed));
    }
  }

  private draw(block: ITableBlock, live: boolean): void {
    // What is wrong with a row is said below the answer, unless the model was asked again.
    const isSaid = live || !block.misfit || block.said !== undefined;
    refill(this.said, isSaid && sentence(block, live, this.seconds));
    const before = this.rows;
    this.rows = new Map();
    const wanted = rowsOf(block).map(({ number, cells, misfit }) => {
      const key = JSON.stringify([number, cells, misfit, block.columns]);
      const node =
        before.get(key) ?? rowNode(block, number, cells, misfit ?? null);
      this.rows.set(key, node);
      return node;
    });
    if (live) {
      wanted.push(growingRow(block));
    }
    arrange(this.body, wanted);
    attrs(this.sheet, {
      'aria-label': live
        ? trans.__('Rows so far')
        : trans.__('Rows of the answer')
    });
    const hasTable = block.columns.length > 0 && wanted.length > 0;
    if (block.raw) {
      this.raw.showLine({
        glyph: 'text',
        words: [trans.__('The answer as it came')],
        when: [sizeOf(block.raw)]
      });
      this.raw.drawBody();
    }
    arrange(this.node, [
      this.said,
      ...(hasTable ? [this.sheet] : []),
      ...(block.raw ? [this.raw.node] : [])
    ]);
  }

  private drawHead({ columns, moreColumns }: ITableBlock): void {
    const cells = columns.map(({ name, dtype, number }) =>
      attrs(
        el('th', number ? 'llm-r' : '', visible(name), el('small', '', dtype)),
        { scope: 'col' }
      )
    );
    const more =
      moreColumns !== undefined &&
      el('th', '', trans.__('%1 more columns', count(moreColumns)));
    const first = attrs(el('th', '', el('span', 'llm-sr', trans.__('row'))), {
      scope: 'col'
    });
    refill(this.head, el('tr', '', first, ...cells, more));
  }

  private fillRaw(): void {
    const raw = this.drawn?.raw;
    if (raw) {
      refill(this.raw.body, ...rawNodes(raw));
    }
  }
}

/** The text of an answer as it came, and how much of it is not kept here. */
export function rawNodes(raw: { text: string; hidden?: number }): Node[] {
  const node = well(...visibleNodes(raw.text));
  node.classList.add('llm-long');
  attrs(node, {
    tabindex: '0',
    'aria-label': trans.__('The answer as it came')
  });
  const hidden = raw.hidden
    ? [el('p', 'llm-hint', trans.__('%1 more characters', count(raw.hidden)))]
    : [];
  return [node, ...hidden];
}

/** The length of a text, as words for the reader. */
export function sizeOf(raw: { text: string; hidden?: number }): string {
  return trans.__('%1 characters', count(raw.text.length + (raw.hidden ?? 0)));
}

interface IRow {
  /** The row's number, or a mark in its place. */
  number: string;
  cells: Cell[];
  /** The cell that does not fit, or -1 if it is none of them; null for a row that fits. */
  misfit?: number | null;
}

/** The rows that are shown, separated by tabs, which spreadsheets understand. */
export function asTabbed({ columns, head, tail }: ITableBlock): string {
  const lines = [columns.map(({ name }) => name), ...head, ...tail];
  return lines
    .map(cells =>
      cells.map(cell => (cell ?? '').replace(/\s+/g, ' ')).join('\t')
    )
    .join('\n');
}

function rowsOf(block: ITableBlock): IRow[] {
  const { head, tail, misfit } = block;
  const first = block.count - tail.length;
  const skipped = head.length > 0 && tail.length > 0 && first > head.length;
  return [
    ...head.map((cells, at) => ({
      number: visible(block.labels?.[at] ?? String(at)),
      cells
    })),
    ...(skipped ? [{ number: '…', cells: head[0].map((): Cell => '…') }] : []),
    ...tail.map((cells, at) => ({ number: String(first + at), cells })),
    ...(misfit
      ? [
          {
            number: String(block.count),
            cells: misfit.cells,
            misfit: misfit.column ?? -1
          }
        ]
      : [])
  ];
}

function rowNode(
  block: ITableBlock,
  number: string,
  cells: Cell[],
  misfit: number | null
): HTMLElement {
  const head = attrs(el('th', '', number), { scope: 'row' });
  const nodes = cells.map((cell, at) =>
    cellNode(cell, Boolean(block.columns[at]?.number), at === misfit)
  );
  const node = el('tr', '', head, ...nodes);
  if (misfit !== null) {
    attrs(head, { 'aria-label': trans.__('%1, does not fit', number) });
  }
  return node;
}

function cellNode(
  cell: Cell,
  isNumber: boolean,
  isMisfit: boolean
): HTMLElement {
  const wraps = cell !== null && cell.length > LONG;
  const classes = [isNumber && 'llm-r', wraps && 'llm-wrap'].filter(Boolean);
  const text =
    cell === null ? el('span', 'llm-nil', trans.__('missing')) : visible(cell);
  return el(
    'td',
    classes.join(' '),
    isMisfit ? el('span', 'llm-misfit', text) : text
  );
}

function growingRow({ columns }: ITableBlock): HTMLElement {
  const caret = el('td', '', el('span', 'llm-caret'));
  const rest = columns.slice(1).map(() => el('td'));
  return attrs(el('tr', '', el('th'), caret, ...rest), {
    'aria-hidden': 'true'
  });
}

/** The line above the rows. */
function sentence(
  block: ITableBlock,
  live: boolean,
  seconds: HTMLElement
): HTMLElement {
  const number = count(block.count);
  const rows = trans._n('%2 row', '%2 rows', block.count, number);
  if (live) {
    const node = boxRow(
      'spinner',
      'brand',
      el('span', 'llm-strong', rows),
      ' ',
      el('span', 'llm-quiet', ...withNodes(trans.__('so far, %1'), seconds))
    );
    return node;
  }
  const shown = block.head.length + block.tail.length;
  const first =
    block.said && shown < block.count && !block.misfit
      ? ` ${trans.__('The first %1:', count(block.head.length))}`
      : '';
  const said =
    block.said ??
    trans._n('%2 row arrived.', '%2 rows arrived.', block.count, number);
  const words = withCode(said + first).map(part => {
    if (typeof part === 'string') {
      return el('span', 'llm-quiet', part);
    }
    part.classList.add('llm-strong');
    return part;
  });
  return boxRow('table', '', ...words);
}
