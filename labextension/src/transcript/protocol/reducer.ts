/**
 * Applies deltas to transcripts. The documents that are passed in are never
 * changed. `llm_notebook/transcript/deltas.py` does the same in Python.
 */

import type { Block, IDelta, ITranscript, Op } from './document';

/** How many of the latest rows of a table are kept, as in `llm_notebook/transcript/answer/tables.py`. */
const LATEST = 5;

/** What became of a delta. */
export type Applied = 'applied' | 'old' | 'gap';

/** The result of a delta, with the document as it is then. */
export interface IStep {
  result: Applied;
  document: ITranscript;
}

/**
 * Apply a delta. The result is `old` if the document already includes it, and
 * `gap` if an earlier delta is missing or this one does not fit; the caller must
 * then ask for the whole document.
 */
export function reduce(document: ITranscript, delta: IDelta): IStep {
  if (delta.id !== document.id || delta.seq <= document.seq) {
    return { result: 'old', document };
  }
  if (delta.seq !== document.seq + 1) {
    return { result: 'gap', document };
  }
  let next: ITranscript = { ...document, blocks: document.blocks.slice() };
  for (const op of delta.ops) {
    const changed = applyOp(next, op);
    if (!changed) {
      return { result: 'gap', document };
    }
    next = changed;
  }
  next.seq = delta.seq;
  return { result: 'applied', document: next };
}

/** Apply one operation; null if it does not fit. The document's list of blocks must be a copy. */
function applyOp(document: ITranscript, op: Op): ITranscript | null {
  switch (op.op) {
    case 'append': {
      const block = document.blocks[op.block];
      const grown = block && appended(block, op.text);
      if (!grown) {
        return null;
      }
      document.blocks[op.block] = grown;
      return document;
    }
    case 'rows': {
      const block = document.blocks[op.block];
      if (block?.kind !== 'table') {
        return null;
      }
      const tail = [...block.tail, ...op.tail].slice(-LATEST);
      const head = [...block.head, ...op.head];
      document.blocks[op.block] = { ...block, head, tail, count: op.count };
      return document;
    }
    case 'block':
      if (op.block > document.blocks.length || op.block < 0) {
        return null;
      }
      document.blocks[op.block] = op.value;
      return document;
    case 'set': {
      const { id, version } = document;
      const next = { ...document, ...op.fields, id, version };
      next.blocks = next.blocks.slice();
      return next;
    }
  }
}

/** The block with more text; null if it has no text. */
function appended(block: Block, text: string): Block | null {
  switch (block.kind) {
    case 'call':
      return { ...block, arguments: block.arguments + text };
    case 'picture':
    case 'table':
      return null;
    default:
      return { ...block, text: block.text + text };
  }
}
