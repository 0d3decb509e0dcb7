/** Which rows a transcript has: what stands alone, what ran together, what is folded away once it is over. Pure. */

import type { Block, ICallBlock, ITranscript } from './document';

export type Row =
  | { kind: 'text' | 'reasoning' | 'call' | 'card'; key: string; block: number }
  | { kind: 'group' | 'record'; key: string; rows: Row[] };

/** The rows of a transcript. `canAct`: whether somebody could carry out a decision. */
export function rowsOf(document: ITranscript, canAct: boolean): Row[] {
  const over = isGathered(document);
  const rows: Row[] = [];
  let machinery: Row[] = [];
  const flush = (): void => {
    const grouped = groupCalls(document, machinery);
    if (over && machinery.length > 1) {
      rows.push({
        kind: 'record',
        key: 'record:' + keyOf(machinery[0]),
        rows: grouped
      });
    } else {
      rows.push(...grouped);
    }
    machinery = [];
  };
  document.blocks.forEach((block, index) => {
    const row = rowOf(block, index, canAct);
    if (block.kind === 'reasoning' && document.hideReasoning) {
      return;
    }
    if (row.kind === 'card' || row.kind === 'text' || isDecided(block)) {
      if (block.kind !== 'text' || block.text.trim() !== '') {
        flush();
        rows.push(row);
      }
    } else {
      machinery.push(row);
    }
  });
  flush();
  return rows;
}

/** Whether reasoning and calls are gathered in one line: nothing more comes, and nobody wants to see the calls. */
function isGathered(document: ITranscript): boolean {
  return document.state === 'done' && !document.showCalls;
}

/** Whether a call is one that a human must decide about. */
export function isPending(block: Block): block is ICallBlock {
  return (
    block.kind === 'call' &&
    (block.status === 'waiting' || block.status === 'unknown') &&
    Boolean(block.request)
  );
}

function isDecided(block: Block): boolean {
  return block.kind === 'call' && (Boolean(block.decision) || isPending(block));
}

function keyOf(row: Row): string {
  return row.key;
}

function rowOf(block: Block, index: number, canAct: boolean): Row {
  if (block.kind !== 'call') {
    return { kind: block.kind, key: `${block.kind}:${index}`, block: index };
  }
  if (isPending(block) && canAct) {
    return { kind: 'card', key: cardKey(block), block: index };
  }
  return { kind: 'call', key: `call:${index}`, block: index };
}

/** The same for as long as the same question is open. */
function cardKey(block: ICallBlock): string {
  const { id, digest } = block.request!;
  return `card:${id}:${digest}:${block.status}`;
}

/** Calls whose times overlap are one group. */
function groupCalls(document: ITranscript, rows: Row[]): Row[] {
  const result: Row[] = [];
  let together: Row[] = [];
  let until = -1;
  const flush = (): void => {
    if (together.length > 1) {
      result.push({
        kind: 'group',
        key: 'group:' + keyOf(together[0]),
        rows: together
      });
    } else {
      result.push(...together);
    }
    together = [];
    until = -1;
  };
  for (const row of rows) {
    const times = row.kind === 'call' ? timesOf(document, row.block) : null;
    if (!times) {
      flush();
      result.push(row);
      continue;
    }
    if (times[0] >= until) {
      flush();
    }
    together.push(row);
    until = Math.max(until, times[1]);
  }
  flush();
  return result;
}

/** When a call began and ended, in seconds after the turn began; no end yet is infinity. */
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
