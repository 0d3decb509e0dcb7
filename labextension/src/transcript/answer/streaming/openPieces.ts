/**
 * Draws the top-level blocks of a text that may still change, and lets a block
 * that has only grown grow on the page too.
 *
 * `answer.ts` decides which blocks those are and when they settle.
 */

import type { IHost } from '../../drawing/host';
import { codeBlock } from '../code/block';
import type { ICodeBlock } from '../code/block';
import { MAX_FORMULAS } from '../formulas/formulas';
import { findRows, removeOpen } from './growing';
import type { IRows } from './growing';
import {
  codeIn,
  isCode,
  languageOf,
  makeRoomForNumbers
} from '../markdown/markdown';
import type { Markdown } from '../markdown/markdown';
import type { IBlock } from '../markdown/parser';

/** A top-level block that may still change, with what is drawn for it. */
export interface IOpenPiece {
  raw: string;
  nodes: Node[];
  code?: ICodePiece;
  rows?: IRows;
  /** Whether it ends in a formula whose other half may still come. */
  isOpen?: boolean;
}

interface ICodePiece {
  block: ICodeBlock;
  language: string;
  /** The code that is settled. */
  settled: string;
}

/** With more formulas than this, a text is laid out and painted only where it is near the window. */
const MANY = 200;

const FORMULAS = '.llm-formula, .llm-formula-display';

/** Makes the open pieces of one text, and lets them grow. */
export class OpenPieces {
  /** How many formulas are in what is settled, and the last node of that. */
  private settledFormulas = 0;
  private lastSettled: Node | null = null;

  constructor(
    private readonly markdown: Markdown,
    private readonly host: () => IHost,
    private readonly isWanted: (node: Node) => boolean,
    /** Where pieces are drawn. */
    private readonly target: () => Element
  ) {}

  private nodesOf(blocks: IBlock[]): Node[][] {
    return this.markdown.nodes(blocks, this.host, this.isWanted, () =>
      this.roomForFormulas()
    );
  }

  private roomForFormulas(): number {
    let shown = this.settledFormulas;
    let node = this.target().lastElementChild;
    while (node && node !== this.lastSettled) {
      shown += formulasIn(node);
      node = node.previousElementSibling;
    }
    return MAX_FORMULAS - shown;
  }

  /** Whether the settled text has so many formulas that only what is near the window is to be painted. */
  get isDense(): boolean {
    return this.settledFormulas > MANY;
  }

  /** Note that a piece will not change any more. */
  settle({ nodes }: IOpenPiece): void {
    for (const node of nodes) {
      if (node instanceof Element) {
        this.settledFormulas += formulasIn(node);
        this.lastSettled = node;
      }
    }
  }

  /** Forget what is settled. */
  reset(): void {
    this.settledFormulas = 0;
    this.lastSettled = null;
  }

  /** Draw blocks. */
  make(blocks: IBlock[]): IOpenPiece[] {
    const others = blocks.filter(block => !isCode(block));
    const drawn = this.nodesOf(others);
    return blocks.map(block => {
      const { raw, tokens } = block;
      if (isCode(block)) {
        const language = languageOf(tokens[0]);
        const code = codeBlock(
          codeIn(tokens[0]),
          language,
          this.host,
          this.markdown.slices,
          this.isWanted
        );
        const piece = { block: code, language, settled: '' };
        return { raw, nodes: [code.node], code: piece };
      }
      const nodes = drawn[others.indexOf(block)];
      return { raw, nodes, rows: findRows(block, nodes) };
    });
  }

  /** Turn a piece into the one for this block without drawing all of it again; null if that is not possible. */
  grow(piece: IOpenPiece, block: IBlock, growing: boolean): IOpenPiece | null {
    if (piece.rows?.settled) {
      return this.growRows(piece, piece.rows, block);
    }
    const { code } = piece;
    if (!code || !isCode(block)) {
      return null;
    }
    if (code.language !== languageOf(block.tokens[0])) {
      return null;
    }
    const open = codeIn(block.tokens[0]);
    code.block.update(code.settled + open, growing);
    return { ...piece, raw: block.raw };
  }

  private growRows(
    piece: IOpenPiece,
    rows: IRows,
    block: IBlock
  ): IOpenPiece | null {
    const [nodes] = this.nodesOf([block]);
    const drawn = findRows(block, nodes);
    if (drawn?.kind !== rows.kind) {
      return null;
    }
    removeOpen(rows);
    rows.parent.append(...Array.from(drawn.parent.children));
    rows.open = drawn.open;
    makeRoomForNumbers(rows.parent);
    return { ...piece, raw: block.raw };
  }
}

function formulasIn(node: Element): number {
  return node.querySelectorAll(FORMULAS).length;
}

/** Take a piece off the page, except for its settled rows. */
export function removePiece({ nodes, rows }: IOpenPiece): void {
  if (rows?.settled) {
    removeOpen(rows);
  } else {
    nodes.forEach(node => node.parentNode?.removeChild(node));
  }
}
