/**
 * Decides which rows a transcript has: what stands alone, which calls ran at
 * the same time, and which steps a finished answer folds away.
 *
 * Steps are reasoning and the calls that needed no human decision. While an
 * answer is live, each step is a row, and calls that overlap in time form a
 * group. Once it is done, all steps between two texts are gathered in one row.
 * Questions and decisions are never hidden.
 *
 * A row's key stays the same for as long as it is about the same thing, so that
 * the view can keep its piece, with open folds and drafts.
 */

import { displayedDigest } from '../protocol/digest';
import type {
  Block,
  ICallBlock,
  IRequest,
  ITranscript
} from '../protocol/document';
import { trans } from '../dom/translation';

/** A row of a transcript. `block` is the index of the block that it shows. */
export type Row =
  | {
      kind:
        'text' | 'code' | 'reasoning' | 'picture' | 'table' | 'call' | 'card';
      key: string;
      block: number;
    }
  | { kind: 'group' | 'gathered'; key: string; rows: Row[] };

/** A call that a human must decide about. */
export type PendingCall = ICallBlock & { request: IRequest };

/** The rows of a transcript. `canAct` says whether a decision could be carried out. */
export function rowsOf(document: ITranscript, canAct: boolean): Row[] {
  const gathers = document.state === 'done' && !document.showCalls;
  const rows: Row[] = [];
  let steps: Row[] = [];
  const flush = (): void => {
    const grouped = groupCalls(document, steps);
    if (gathers && steps.length > 1) {
      rows.push({
        kind: 'gathered',
        key: 'gathered:' + steps[0].key,
        rows: grouped
      });
    } else {
      rows.push(...grouped);
    }
    steps = [];
  };
  document.blocks.forEach((block, index) => {
    const row = rowOf(document, block, index, canAct);
    if (isHidden(block, document)) {
      return;
    }
    if (isStep(block)) {
      steps.push(row);
    } else {
      flush();
      rows.push(row);
    }
  });
  flush();
  return rows;
}

function isHidden(block: Block, document: ITranscript): boolean {
  return block.kind === 'reasoning'
    ? Boolean(document.hideReasoning)
    : block.kind === 'text' && block.text.trim() === '';
}

function isStep(block: Block): boolean {
  return (
    block.kind === 'reasoning' ||
    (block.kind === 'call' && !block.decision && !isPending(block))
  );
}

/** Whether a block is a call that a human must decide about. */
export function isPending(block: Block): block is PendingCall {
  return (
    block.kind === 'call' &&
    (block.status === 'waiting' || block.status === 'unknown') &&
    Boolean(block.request)
  );
}

const DECIDED = new Set(['approved', 'denied', 'answered', 'abandoned']);

/** The series of each document. They can be remembered, because documents are never changed in place. */
const allSeries = new WeakMap<ITranscript, number[]>();

/**
 * The indexes of the calls that are asked about together: those that wait, and those
 * that were decided and wait for the others. Empty if none waits.
 */
export function seriesOf(document: ITranscript): number[] {
  let found = allSeries.get(document);
  if (!found) {
    const { blocks } = document;
    found = blocks.some(isPending)
      ? blocks.flatMap((block, index) => (isInSeries(block) ? [index] : []))
      : [];
    allSeries.set(document, found);
  }
  return found;
}

function isInSeries(block: Block): boolean {
  return (
    isPending(block) ||
    (block.kind === 'call' &&
      Boolean(block.request && block.decision) &&
      block.result === undefined &&
      DECIDED.has(block.status))
  );
}

/** Which of several questions a call is, such as "1 of 3"; empty if there are not several. */
export function placeInSeries(document: ITranscript, index: number): string {
  const series = seriesOf(document);
  const at = series.indexOf(index);
  return at >= 0 && series.length > 1
    ? trans.__('%1 of %2', String(at + 1), String(series.length))
    : '';
}

function rowOf(
  document: ITranscript,
  block: Block,
  index: number,
  canAct: boolean
): Row {
  if (block.kind === 'text' && block.look) {
    return { kind: 'code', key: `code:${index}`, block: index };
  }
  if (block.kind !== 'call') {
    return { kind: block.kind, key: `${block.kind}:${index}`, block: index };
  }
  if (isPending(block) && canAct) {
    const key = keyOfCard(document, block, index);
    return { kind: 'card', key, block: index };
  }
  return { kind: 'call', key: `call:${index}`, block: index };
}

/** The digest of each block. They can be remembered, because blocks are never changed in place. */
const digests = new WeakMap<PendingCall, string>();

/** The key of a card, which is another one if anything that the card shows is different. */
export function keyOfCard(
  { id, model }: ITranscript,
  call: PendingCall,
  index: number
): string {
  let digest = digests.get(call);
  if (digest === undefined) {
    const schemas = JSON.stringify(call.request.params.map(one => one.schema));
    digest = displayedDigest('', '', call) + schemas;
    digests.set(call, digest);
  }
  return JSON.stringify(['card', index, id, model, digest]);
}

/** Put calls that overlap in time into groups. */
function groupCalls(document: ITranscript, rows: Row[]): Row[] {
  const result: Row[] = [];
  let overlapping: Row[] = [];
  let end = -1;
  const flush = (): void => {
    if (overlapping.length > 1) {
      result.push({
        kind: 'group',
        key: 'group:' + overlapping[0].key,
        rows: overlapping
      });
    } else {
      result.push(...overlapping);
    }
    overlapping = [];
    end = -1;
  };
  for (const row of rows) {
    const times = row.kind === 'call' ? timesOf(document, row.block) : null;
    if (!times) {
      flush();
      result.push(row);
      continue;
    }
    if (times[0] >= end) {
      flush();
    }
    overlapping.push(row);
    end = Math.max(end, times[1]);
  }
  flush();
  return result;
}

/** When a call began and ended, in seconds after the turn began. A running call ends at infinity. */
export function timesOf(
  document: ITranscript,
  index: number
): [number, number] | null {
  const block = document.blocks[index];
  if (block.kind !== 'call' || block.began === undefined) {
    return null;
  }
  if (block.status === 'running') {
    return [block.began, Infinity];
  }
  return [block.began, block.began + (block.seconds ?? 0)];
}
