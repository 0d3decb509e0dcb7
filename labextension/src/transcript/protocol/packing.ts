/**
 * Unpacks the texts of messages from the kernel, which
 * `llm_notebook/transcript/packing.py` packs.
 *
 * A packed text is `{deflated, bytes}`, where `deflated` is the number of a buffer
 * beside the message, or the buffer itself, and `bytes` is the length of the text
 * as UTF-8. What cannot be unpacked is left as it is, so that the message is found
 * to have the wrong shape.
 */

import { inflateSync } from 'fflate';

/** The longest text that the kernel packs, in bytes. */
const LONGEST = 2 ** 24;

/** The buffers that were sent beside a message. */
export type Buffers = readonly (ArrayBuffer | ArrayBufferView)[];

type Holder = Record<string, unknown>;

/** The message with its texts, if it is a delta or holds a document. */
export function unpack(message: unknown, buffers: Buffers = []): unknown {
  if (!isHolder(message)) {
    return message;
  }
  const { ops, document } = message;
  if (Array.isArray(ops)) {
    return { ...message, ops: ops.map(op => unpackOp(op, buffers)) };
  }
  if (isHolder(document) && Array.isArray(document.blocks)) {
    const blocks = document.blocks.map(block => unpackText(block, buffers));
    return { ...message, document: { ...document, blocks } };
  }
  return message;
}

function unpackOp(op: unknown, buffers: Buffers): unknown {
  return isHolder(op) && op.op === 'block'
    ? { ...op, value: unpackText(op.value, buffers) }
    : unpackText(op, buffers);
}

/** The operation or block with its text. */
function unpackText(holder: unknown, buffers: Buffers): unknown {
  if (!isHolder(holder) || !isHolder(holder.text)) {
    return holder;
  }
  const { deflated, bytes } = holder.text;
  const buffer = typeof deflated === 'number' ? buffers[deflated] : deflated;
  const data =
    buffer instanceof ArrayBuffer
      ? new Uint8Array(buffer)
      : ArrayBuffer.isView(buffer)
        ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
        : null;
  if (!data || typeof bytes !== 'number' || !(bytes >= 0 && bytes <= LONGEST)) {
    return holder;
  }
  try {
    const out = inflateSync(data, { out: new Uint8Array(bytes) });
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return out.length === bytes
      ? { ...holder, text: decoder.decode(out) }
      : holder;
  } catch {
    return holder;
  }
}

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
