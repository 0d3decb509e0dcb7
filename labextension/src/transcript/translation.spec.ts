/** Checks that all sentences of a transcript are translated, with translations that put each of them in brackets. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Gettext } from '@jupyterlab/translation';

import { TranscriptView, translateBy } from '.';
import type { ICallBlock, IHost, ITranscript } from '.';
import { trans, withNodes } from './dom/translation';
import { CHANGES } from './testing/changes';
import { call, decided, pending, transcript } from './testing/samples';
import { STATES } from './testing/states';
import { UNANSWERED } from './testing/unanswered';

beforeEach(() => {
  vi.useFakeTimers();
  translateBy({
    __: (message, ...values) => `⟦${Gettext.strfmt(message, ...values)}⟧`,
    _n: (one, many, count, ...values) =>
      `⟦${Gettext.strfmt(count === 1 ? one : many, count, ...values)}⟧`
  });
});
afterEach(() => {
  translateBy(null);
  vi.useRealTimers();
});

const READ_OUT = ['aria-label', 'title', 'placeholder', 'alt', 'data-l'].concat(
  'aria-valuetext',
  'aria-description'
);

/** Keys of a document whose values are words of the protocol, which nobody reads. */
const WORDS_OF_PROTOCOL = new Set(['kind', 'state', 'status', 'group']);

const CALL_STATES: ICallBlock['status'][] = [
  'writing',
  'queued',
  'approved',
  'running',
  'suspended',
  'finished',
  'failed',
  'denied',
  'answered',
  'abandoned',
  'cancelled',
  'unknown'
];

/** Everything in a document that a reader may be shown as it came. */
function told(value: unknown, key = ''): string[] {
  if (typeof value === 'string') {
    return WORDS_OF_PROTOCOL.has(key) ? [] : [value];
  }
  return value && typeof value === 'object'
    ? Object.entries(value).flatMap(([name, one]) => [
        // The names of arguments are keys of their JSON.
        ...(key === 'arguments' ? [name] : []),
        ...told(one, name)
      ])
    : [];
}

const flat = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** The parts of a text that stand in no brackets, when it begins at a depth; and the depth at its end. */
function outside(text: string, from: number): [string[], number] {
  let depth = from;
  const parts = [''];
  for (const letter of text) {
    if (letter === '⟦') {
      depth += 1;
      parts.push('');
    } else if (letter === '⟧') {
      depth -= 1;
    } else if (depth === 0) {
      parts[parts.length - 1] += letter;
    }
  }
  return [parts, depth];
}

/** The words on the page that are neither translated nor told by the kernel. */
function untranslated(root: Element, shown: ITranscript): string[] {
  const corpus = flat(told(shown).join(' \u0000 '));
  const words = new Set(corpus.match(/\p{L}{2,}/gu));
  const isStrange = (part: string, isSplit: boolean): boolean => {
    // A hidden character is written out, and a long text is cut in the middle of a word.
    const plain = part.replace(/\\u\{[0-9a-f]+\}|\p{L}*…/gu, ' ');
    return isSplit
      ? (plain.match(/\p{L}{2,}/gu) ?? []).some(word => !words.has(word))
      : plain
          .split(', ')
          .map(flat)
          .some(one => /\p{L}{2}/u.test(one) && !corpus.includes(one));
  };
  const found: string[] = [];
  let depth = 0;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const [parts, after] = outside(node.textContent ?? '', depth);
    depth = after;
    // Markdown, code and arguments are drawn piece by piece.
    const isSplit = Boolean(
      node.parentElement?.closest(
        '.llm-answer, .llm-thought, .llm-args, .llm-covered, pre, code, .llm-diff, .llm-well, summary'
      )
    );
    // A word of several scripts is drawn letter by letter, and what is left out may begin in a word.
    const isLetters = node.parentElement?.closest('.llm-mixed, .llm-printed');
    found.push(...parts.filter(part => !isLetters && isStrange(part, isSplit)));
  }
  for (const node of [root, ...Array.from(root.querySelectorAll('*'))]) {
    for (const name of READ_OUT) {
      const [parts] = outside(node.getAttribute(name) ?? '', 0);
      found.push(...parts.filter(part => isStrange(part, true)));
    }
  }
  return found;
}

const HOST: IHost = {
  act: () => new Promise(() => undefined),
  key: () => Promise.resolve(),
  value: () => new Promise(() => undefined),
  copy: () => undefined,
  insertBelow: () => undefined,
  cellWith: () => ({ replace: () => undefined, undo: () => true }),
  cells: ids => ({
    count: ids.length,
    areBelow: true,
    run: () => Promise.resolve()
  })
};

/** Everything that a reader can press, opened before what acts is pressed. */
const PRESSED =
  'summary, [aria-expanded=false], button:not([aria-expanded=true])';

/** A question with each change that a card shows, one after the other. */
const CHANGED = Object.entries(CHANGES).map(([name, change]) => {
  const block = pending();
  change(block);
  return [name, transcript([block], { state: 'paused' })] as const;
});

/** A call in each state that one can have, decided about and not. */
const CALLS = CALL_STATES.flatMap(status => {
  const ran = { status, seconds: 2, result: 'x'.repeat(5_000) };
  const change = { name: 'to', before: 'ann', after: 'bob' };
  const grant = { id: 'g', scope: 'cell' as const, revoked: false };
  return [
    call('fetch', {}, ran),
    call('fetch', { url: 'there' }, { status }),
    decided({ changes: [change] }, ran),
    decided({ grant }, { ...ran, seconds: undefined, result: '' }),
    ...(['denied', 'answered', 'abandoned'] as const).map(verdict =>
      decided({ verdict, text: 'so' }, { ...ran })
    ),
    decided({ verdict: 'abandoned', dropped: true }, ran)
  ].map((block, at) => [`${status}, ${at}`, transcript([block])] as const);
});

const ALL = [
  ...Object.entries({ ...STATES, ...UNANSWERED }),
  ...CHANGED,
  ...CALLS
];

test.each(ALL)('all of our words in %s are translated', (_, shown) => {
  const root = document.body.appendChild(document.createElement('div'));
  const view = new TranscriptView(root, HOST);
  view.show(shown);
  expect(untranslated(root, shown)).toEqual([]);
  for (let at = 0; ; at += 1) {
    const one = root.querySelectorAll<HTMLElement>(PRESSED)[at];
    if (!one) {
      break;
    }
    one.click();
    expect([one.textContent, untranslated(root, shown)]).toEqual([
      one.textContent,
      []
    ]);
  }
  view.dispose();
  root.remove();
});

test.each(ALL)('%s is translated where nobody can act', (_, shown) => {
  const root = document.body.appendChild(document.createElement('div'));
  const view = new TranscriptView(root, {});
  view.show(shown);
  expect(untranslated(root, shown)).toEqual([]);
  view.dispose();
  root.remove();
});

test('what a sentence is filled with stays exactly as it is', () => {
  const odd = '100%% of %1, or $& and %2';
  expect(trans.__('Not revoked: %1', odd)).toBe(`⟦Not revoked: ${odd}⟧`);
  expect(trans._n('%2 row', '%2 rows', 1234, '1,234')).toBe('⟦1,234 rows⟧');
  expect(trans._n('%2 row', '%2 rows', 1, '1')).toBe('⟦1 row⟧');
  translateBy(null);
  expect(trans.__('Not revoked: %1', odd)).toBe(`Not revoked: ${odd}`);
  expect(trans._n('%1 call', '%1 calls', 3)).toBe('3 calls');
  const node = document.createElement('b');
  expect(withNodes('is %2 or %1.', node, 'x')).toEqual([
    'is ',
    'x',
    ' or ',
    node,
    '.'
  ]);
});
