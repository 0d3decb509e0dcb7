/**
 * Checks what comes from outside, because a saved notebook or another version
 * may hold anything. What does not have the shape that `document.ts` describes
 * is not read at all, so the rest of this package can rely on that shape.
 */

import {
  has,
  isCount,
  isFlag,
  isNumber,
  isObject,
  isText,
  listOf,
  maybe,
  oneOf,
  shape
} from './checks';
import type { Check } from './checks';
import { MIME_TYPE } from './document';
import type { Block, FromKernel, IDelta, ITranscript } from './document';
import { unpack } from './packing';
import type { Buffers } from './packing';

const SCOPES = oneOf('cell', 'notebook', 'session');
const VERDICTS = oneOf('approved', 'denied', 'answered', 'abandoned');

const isParam = shape({
  name: isText,
  type: isText,
  text: isText,
  isText: isFlag,
  cut: maybe(
    shape({
      at: isCount,
      hidden: isCount,
      total: isCount,
      lines: maybe(shape({ hidden: isCount, total: isCount }))
    })
  ),
  description: maybe(isText),
  required: maybe(isFlag),
  schema: maybe(isObject)
});

const isRequest = shape({
  id: isText,
  digest: isText,
  tool: isText,
  origin: listOf(isText),
  source: maybe(shape({ title: isText, code: isText })),
  reason: isText,
  description: maybe(isText),
  destructive: isFlag,
  params: listOf(isParam),
  grants: listOf(SCOPES),
  grantsEndWithKernel: maybe(isFlag),
  changed: maybe(isText),
  blocked: maybe(isText),
  refused: maybe(isText)
});

const isDecision = shape({
  verdict: VERDICTS,
  by: isText,
  at: isText,
  text: maybe(isText),
  changes: maybe(
    listOf(shape({ name: isText, before: isText, after: isText }))
  ),
  grant: maybe(shape({ id: isText, scope: SCOPES, revoked: isFlag })),
  dropped: maybe(isFlag)
});

const isCall = shape({
  callId: isText,
  name: isText,
  arguments: isText,
  status: oneOf(
    'writing',
    'queued',
    'running',
    'suspended',
    'finished',
    'failed',
    'cancelled',
    'waiting',
    'approved',
    'denied',
    'answered',
    'abandoned',
    'unknown'
  ),
  began: maybe(isNumber),
  seconds: maybe(isNumber),
  startedAt: maybe(isText),
  result: maybe(isText),
  resultHidden: maybe(isCount),
  printed: maybe(
    shape({ text: isText, cut: maybe(shape({ at: isCount, hidden: isCount })) })
  ),
  note: maybe(isText),
  failure: maybe(shape({ type: isText, message: isText, frames: isText })),
  request: maybe(isRequest),
  decision: maybe(isDecision)
});

const RAW = maybe(shape({ text: isText, hidden: maybe(isCount) }));

const isTextBlock = shape({
  text: isText,
  plain: maybe(shape({ start: isCount, length: isCount })),
  seconds: maybe(isNumber),
  look: maybe(oneOf('code', 'text')),
  language: maybe(isText),
  raw: RAW
});

const isRow = listOf(value => value === null || isText(value));

const isTable = shape({
  columns: listOf(shape({ name: isText, dtype: isText, number: isFlag })),
  labels: maybe(listOf(isText)),
  moreColumns: maybe(isCount),
  head: listOf(isRow),
  tail: listOf(isRow),
  count: isCount,
  said: maybe(isText),
  misfit: maybe(shape({ cells: isRow, column: maybe(isCount) })),
  raw: RAW
});

const isPicture = shape({
  caption: isText,
  type: maybe(isText),
  data: maybe(isText),
  url: maybe(isText)
});

const BLOCKS: Record<string, Check> = {
  text: isTextBlock,
  reasoning: isTextBlock,
  call: isCall,
  picture: isPicture,
  table: isTable
};

const isBlock: Check = value =>
  isObject(value) &&
  typeof value.kind === 'string' &&
  has(BLOCKS, value.kind) &&
  BLOCKS[value.kind](value);

const FIELDS: Record<string, Check> = {
  model: isText,
  state: oneOf(
    'unsent',
    'waiting',
    'streaming',
    'paused',
    'done',
    'interrupted',
    'failed'
  ),
  seconds: isNumber,
  began: maybe(isText),
  notice: maybe(
    shape({ text: isText, detail: maybe(isText), seconds: maybe(isNumber) })
  ),
  blocks: listOf(isBlock),
  sources: maybe(listOf(shape({ title: isText, url: isText, host: isText }))),
  sent: maybe(
    listOf(
      shape({
        group: oneOf('context', 'error', 'sent', 'removed'),
        line: isText,
        rows: listOf(
          shape({
            name: isText,
            text: isText,
            tokens: isCount,
            leftOut: listOf(isText)
          })
        ),
        hidden: maybe(isCount)
      })
    )
  ),
  remarks: maybe(listOf(isText)),
  error: maybe(
    shape({
      kind: oneOf('key', 'model', 'network', 'limit', 'error'),
      title: isText,
      text: isText,
      ways: maybe(
        listOf(
          shape({
            code: isText,
            text: isText,
            label: maybe(isText),
            key: maybe(isText),
            model: maybe(isText),
            installs: maybe(isFlag)
          })
        )
      ),
      canStartOver: maybe(isFlag),
      complete: maybe(isFlag)
    })
  ),
  cut: maybe(isFlag),
  proposal: maybe(
    shape({
      note: isText,
      code: isText,
      lines: listOf(shape({ sign: oneOf(' ', '-', '+'), text: isText }))
    })
  ),
  unsent: maybe(
    shape({
      asks: listOf(shape({ name: isText, text: isText, size: maybe(isText) })),
      reads: listOf(isText),
      estimate: maybe(isText),
      exact: maybe(isText)
    })
  ),
  job: maybe(
    shape({
      state: oneOf('running', 'stopped', 'failed', 'done', 'known'),
      count: maybe(isCount),
      done: isCount,
      failed: isCount,
      title: isText,
      text: isText,
      facts: listOf(shape({ text: isText, error: maybe(isFlag) })),
      hints: listOf(isText),
      canGoOn: maybe(isFlag),
      reasons: maybe(
        listOf(
          shape({
            text: isText,
            example: isText,
            rows: isCount,
            which: isText,
            again: isText
          })
        )
      )
    })
  ),
  limit: maybe(shape({ answers: isCount, calls: isCount })),
  footer: maybe(listOf(isText)),
  hideReasoning: maybe(isFlag),
  showCalls: maybe(isFlag),
  byKeyboard: maybe(isFlag),
  heldUp: maybe(listOf(isText))
};

const isTranscript = shape({
  version: oneOf(1),
  id: value => isText(value) && value !== '',
  seq: isCount,
  ...FIELDS
});

const isOp: Check = value => {
  if (!isObject(value)) {
    return false;
  }
  switch (value.op) {
    case 'append':
      return isCount(value.block) && isText(value.text);
    case 'rows':
      return (
        isCount(value.block) &&
        isCount(value.count) &&
        [value.head, value.tail].every(listOf(isRow))
      );
    case 'block':
      return isCount(value.block) && isBlock(value.value);
    case 'set': {
      const { fields } = value;
      return (
        isObject(fields) &&
        Object.entries(fields).every(([name, field]) =>
          has(FIELDS, name) ? FIELDS[name](field) : true
        )
      );
    }
    default:
      return false;
  }
};

const isDelta = shape({
  type: oneOf('delta'),
  id: isText,
  seq: isCount,
  ops: listOf(isOp)
});

const MESSAGES: Record<string, Check> = {
  delta: isDelta,
  state: shape({ document: isTranscript }),
  record: shape({ document: isTranscript, bundle: isObject }),
  settled: shape({ id: isText, seq: isCount }),
  value: shape({ request: isText, name: isText, text: isText }),
  context: shape({ wanted: isFlag }),
  overview: shape({
    default: isText,
    models: listOf(shape({ id: isText, local: isFlag })),
    waiting: listOf(
      shape({
        tool: isText,
        arguments: isText,
        place: isText,
        age: isText,
        destructive: isFlag
      })
    ),
    waits: isCount,
    sent: isCount,
    received: isCount,
    cost: isText
  }),
  panel: shape({ answers: isText, about: isText, problem: maybe(isText) }),
  gone: shape({ id: isText })
};

/** No document is nested more deeply. A deeper one may overflow the stack of the code that walks through it. */
const DEEPEST = 100;

/** Whether a JSON value is nested so little that it can be walked through recursively. */
export function isShallow(value: unknown, levels = DEEPEST): boolean {
  if (typeof value !== 'object' || value === null) {
    return true;
  }
  return (
    levels > 0 &&
    Object.values(value).every(inner => isShallow(inner, levels - 1))
  );
}

/** Read a value as a transcript; null if this version cannot read it. */
export function readTranscript(value: unknown): ITranscript | null {
  return isTranscript(value) && isShallow(value)
    ? (value as ITranscript)
    : null;
}

/** Read the transcript in an output, with the texts that the output keeps only as plain text; null if this version cannot read it. */
export function readSaved(bundle: Record<string, unknown>): ITranscript | null {
  const saved = readTranscript(bundle[MIME_TYPE]);
  const plain = bundle['text/plain'];
  const whole = Array.isArray(plain) ? plain.join('') : String(plain ?? '');
  return saved && { ...saved, blocks: saved.blocks.map(withText(whole)) };
}

/** Make a function that gives a block the text that it refers to. */
function withText(whole: string): (block: Block) => Block {
  return block => {
    if ((block.kind !== 'text' && block.kind !== 'reasoning') || !block.plain) {
      return block;
    }
    const { plain, ...rest } = block;
    const text = whole.slice(plain.start, plain.start + plain.length);
    return { ...rest, text };
  };
}

/** Read a value as a delta; null if this version cannot read it. */
export function readDelta(value: unknown): IDelta | null {
  const delta = unpack(value);
  return isDelta(delta) && isShallow(delta) ? (delta as IDelta) : null;
}

/** Read a message that a kernel sent with these buffers beside it; null if this version cannot read it. */
export function readMessage(
  value: unknown,
  buffers: Buffers = []
): FromKernel | null {
  const message = unpack(value, buffers);
  if (!isObject(message) || !isText(message.type)) {
    return null;
  }
  const check = has(MESSAGES, message.type as string)
    ? MESSAGES[message.type as string]
    : null;
  if (!check?.(message) || !isShallow(message)) {
    return null;
  }
  const said = message as unknown as FromKernel;
  return said.type === 'record'
    ? { ...said, document: readSaved(said.bundle) ?? said.document }
    : said;
}
