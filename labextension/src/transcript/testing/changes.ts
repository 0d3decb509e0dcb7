/** Everything that can be changed in a question and that its card shows, for tests. */

import type { ICallBlock } from '../protocol/document';

export type Change = (block: ICallBlock) => void;

export const CHANGES: Record<string, Change> = {
  'that it was interrupted': block => (block.status = 'unknown'),
  'a note': block => (block.note = 'A hook changed the arguments.'),
  'when it began': block => (block.startedAt = '2026-11-27T12:00:00Z'),
  'what it printed': block => (block.printed = { text: 'Looking.\n' }),
  'more that it printed': block => (block.printed = { text: 'Looking..\n' }),
  'what was left out of it': block =>
    (block.printed = { text: 'Looking.\n', cut: { at: 3, hidden: 5 } }),
  'its id': block => (block.request!.id += 'x'),
  'its digest': block => (block.request!.digest += 'x'),
  'the tool': block => (block.request!.tool += 'x'),
  'a look-alike of the tool': block =>
    (block.request!.tool = block.request!.tool.replace('a', 'а')),
  'that it is destructive': block => (block.request!.destructive = true),
  'the reason': block => (block.request!.reason = ''),
  'the description': block => (block.request!.description = 'Sends.'),
  'what has changed': block => (block.request!.changed = 'Its code changed.'),
  'the origin': block => block.request!.origin.push('x'),
  'no source': block => (block.request!.source = null),
  'the title of the source': block => (block.request!.source!.title += ' '),
  'the source': block => (block.request!.source!.code += ' '),
  'what can be allowed': block => block.request!.grants.pop(),
  'how long that holds': block => (block.request!.grantsEndWithKernel = true),
  'the name of an argument': block => (block.request!.params[0].name = 'x'),
  'the type of an argument': block => (block.request!.params[0].type = 'x'),
  'the value of an argument': block => (block.request!.params[0].text += ' '),
  'an invisible character': block =>
    (block.request!.params[0].text += '\u200b'),
  'whether it is text': block => (block.request!.params[0].isText = false),
  'the description of an argument': block =>
    (block.request!.params[0].description = 'x'),
  'one argument less': block => block.request!.params.pop()
};
