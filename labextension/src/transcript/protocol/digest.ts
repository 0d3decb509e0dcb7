/**
 * Makes the digest of everything that a card shows, which every decision carries.
 *
 * The kernel makes the same digest of what it last told, and refuses a decision
 * that carries another one. So a reader can only decide about what the kernel has
 * said, whatever went wrong on the way to the page.
 * `llm_notebook/transcript/calls/displayed.py` does the same in Python.
 */

import type { ICallBlock, IParam, IRequest } from './document';

/** A call that a human is asked about. */
type Asked = ICallBlock & { request: IRequest };

/**
 * The digest of a card, as 64 hexadecimal digits.
 *
 * @param textOf gives the text of an argument as the reader has seen it.
 */
export function displayedDigest(
  transcript: string,
  model: string,
  call: Asked,
  textOf: (param: IParam) => string = param => param.text
): string {
  const { printed, request } = call;
  const { source } = request;
  const cut = printed?.cut;
  const shown = [
    [transcript, model, call.status, call.note ?? '', call.startedAt ?? ''],
    [request.id, request.digest, request.tool, request.destructive],
    [request.reason, request.description ?? '', request.changed ?? ''],
    request.origin,
    source ? [source.title, source.code] : null,
    [request.grants, request.grantsEndWithKernel ?? false],
    printed ? [printed.text, cut ? [cut.at, cut.hidden] : null] : null,
    request.params.map(param => [
      param.name,
      param.type,
      textOf(param),
      param.isText,
      param.description ?? ''
    ])
  ];
  return sha256(new TextEncoder().encode(JSON.stringify(shown)));
}

const ROUNDS = constants(64, 3);
const START = constants(8, 2);

/** The fractions of the square or cube roots of the first primes, as SHA-256 defines its constants. */
function constants(many: number, root: 2 | 3): Uint32Array {
  const found: number[] = [];
  for (let n = 2; found.length < many; n++) {
    let isPrime = true;
    for (let by = 2; by * by <= n; by++) {
      isPrime &&= n % by !== 0;
    }
    if (isPrime) {
      const value = root === 2 ? Math.sqrt(n) : Math.cbrt(n);
      found.push((value - Math.floor(value)) * 2 ** 32);
    }
  }
  return new Uint32Array(found);
}

/** SHA-256. `crypto.subtle` is missing on pages that are served without TLS, as Jupyter often is. */
export function sha256(bytes: Uint8Array): string {
  const state = START.slice();
  const whole = bytes.length - (bytes.length % 64);
  const tail = new Uint8Array(bytes.length % 64 < 56 ? 64 : 128);
  tail.set(bytes.subarray(whole));
  tail[bytes.length % 64] = 0x80;
  const end = new DataView(tail.buffer);
  end.setUint32(tail.length - 8, Math.floor(bytes.length / 2 ** 29));
  end.setUint32(tail.length - 4, (bytes.length * 8) >>> 0);
  const words = new Uint32Array(64);
  digestBlocks(state, words, bytes.subarray(0, whole));
  digestBlocks(state, words, tail);
  return Array.from(state, word => word.toString(16).padStart(8, '0')).join('');
}

function digestBlocks(
  state: Uint32Array,
  words: Uint32Array,
  bytes: Uint8Array
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; at += 64) {
    for (let i = 0; i < 16; i++) {
      words[i] = view.getUint32(at + 4 * i);
    }
    for (let i = 16; i < 64; i++) {
      const early = words[i - 15];
      const late = words[i - 2];
      const s0 = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
      const s1 = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
      words[i] = words[i - 16] + s0 + words[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
      const s0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
      const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e] = [g, f, e, (d + one) | 0];
      [d, c, b, a] = [c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      state[i] += word;
    });
  }
}

/** Rotate a word to the right. */
function turn(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
