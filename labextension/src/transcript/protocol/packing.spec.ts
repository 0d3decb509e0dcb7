// @vitest-environment node

import { deflateSync } from 'fflate';
import { expect, test } from 'vitest';

import { MIME_TYPE } from './document';
import { readDelta, readMessage, readSaved } from './reading';
import { transcript } from '../testing/samples';

const TEXT = '\ufeffThe pelican 🐦 said: naïve.\n'.repeat(200);
const BYTES = new TextEncoder().encode(TEXT);
const DEFLATED = deflateSync(BYTES);

function delta(packed: unknown): unknown {
  const ops = [{ op: 'append', block: 0, text: packed }];
  return { type: 'delta', id: 't', seq: 1, ops };
}

test('a packed text is unpacked, from beside the message and from inside', () => {
  const packed = { deflated: 0, bytes: BYTES.length };
  const plain = readDelta(delta(TEXT));
  expect(readMessage(delta(packed), [DEFLATED])).toEqual(plain);
  expect(readMessage(delta(packed), [DEFLATED.slice().buffer])).toEqual(plain);
  const view = new DataView(DEFLATED.slice().buffer);
  expect(readDelta(delta({ ...packed, deflated: view }))).toEqual(plain);
});

test('the texts of a whole document and of a changed block are unpacked', () => {
  const text = { deflated: 0, bytes: BYTES.length };
  const document = transcript([{ kind: 'text', text: TEXT }]);
  const given = { ...document, blocks: [{ kind: 'text', text }] };
  expect(
    readMessage({ type: 'state', document: given }, [DEFLATED])
  ).toMatchObject({ document: { blocks: [{ text: TEXT }] } });
  const ops = [{ op: 'block', block: 0, value: { kind: 'text', text } }];
  const changed = { type: 'delta', id: 't', seq: 1, ops };
  expect(readMessage(changed, [DEFLATED])).toMatchObject({
    ops: [{ value: { text: TEXT } }]
  });
});

test.each([
  ['no buffer', { deflated: 3, bytes: 10 }],
  ['another length', { deflated: 0, bytes: BYTES.length + 1 }],
  ['a length that nobody needs', { deflated: 0, bytes: 2 ** 31 }],
  ['no length', { deflated: 0 }],
  ['something else', { deflated: 'text', bytes: 10 }]
])('a text that cannot be unpacked is not read: %s', (_, packed) => {
  expect(readMessage(delta(packed), [DEFLATED])).toBeNull();
});

test('what is no text is not read', () => {
  const broken = deflateSync(Uint8Array.of(0xff, 0xfe, 0xfd));
  expect(readMessage(delta({ deflated: 0, bytes: 3 }), [broken])).toBeNull();
  const noise = Uint8Array.of(7, 7, 7, 7);
  expect(readMessage(delta({ deflated: 0, bytes: 3 }), [noise])).toBeNull();
});

test('a long answer that is saved as plain text is read from there', () => {
  const said = { kind: 'text', text: '', plain: { start: 10, length: 6 } };
  const saved = { ...transcript([]), blocks: [said] };
  const plain = 'Thought:\n\nHello! ■ Stopped.';
  const bundle = { [MIME_TYPE]: saved, 'text/plain': plain };
  const block = { kind: 'text', text: 'Hello!' };
  expect(readSaved(bundle)?.blocks).toEqual([block]);
  const lines = { ...bundle, 'text/plain': plain.split(/(?<=\n)/) };
  expect(readSaved(lines)?.blocks).toEqual([block]);
  const record = { type: 'record', document: saved, bundle };
  expect(readMessage(record)).toMatchObject({ document: { blocks: [block] } });
  // Somebody has taken the plain text out of the file.
  expect(readSaved({ [MIME_TYPE]: saved })?.blocks).toEqual([
    { kind: 'text', text: '' }
  ]);
});
