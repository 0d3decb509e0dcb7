import { expect, test, vi } from 'vitest';

import type { IContext } from '../drawing/piece';
import { Slices } from '../drawing/slices';
import { randomly } from '../testing/random';
import { transcript } from '../testing/samples';
import { ReasoningPiece } from './reasoning';

function contextOf(text: string, live: boolean): IContext {
  const document = transcript([{ kind: 'reasoning', text }]);
  return {
    document,
    host: {},
    live,
    elapsed: 1,
    now: 0,
    newest: live ? 0 : 1,
    decided: new Map()
  };
}

function paragraphs(piece: ReasoningPiece): string[] {
  return Array.from(piece.node.querySelectorAll('.llm-thought p')).map(
    node => node.textContent ?? ''
  );
}

function shown(text: string): string[] {
  const piece = new ReasoningPiece(0, new Slices());
  piece.update(contextOf(text, true));
  return paragraphs(piece);
}

test('paragraphs are those between blank lines, and a title loses its marks', () => {
  expect(shown('\n\n**Title**\n\none\ntwo\n \t\n\n**a** b\n')).toEqual([
    'Title',
    'one\ntwo',
    '**a** b'
  ]);
  expect(shown(' \n ')).toEqual([]);
});

test('reasoning that grows ends up as it would have been drawn at once', () => {
  randomly(60, random => {
    const pick = <T>(values: T[]): T => values[random(values.length)];
    const words = [
      'a',
      ' b',
      '\n',
      '\n\n',
      '**',
      ' ',
      '\n \n',
      '🐦',
      '**c**\n\n'
    ];
    const text = Array.from({ length: 40 }, () => pick(words)).join('');
    const piece = new ReasoningPiece(0, new Slices());
    for (let at = 0; at < text.length; at += 1 + random(9)) {
      piece.update(contextOf(text.slice(0, at), true));
    }
    piece.update(contextOf(text, true));
    expect(paragraphs(piece), JSON.stringify(text)).toEqual(shown(text));
  });
});

test('paragraphs that are there stay on the page, and the rest of a long text follows in slices', () => {
  vi.useFakeTimers();
  const slices = new Slices();
  const spent = vi.spyOn(slices, 'isSpent', 'get').mockReturnValue(true);
  const piece = new ReasoningPiece(0, slices);
  const text = 'a\n\n'.repeat(2000) + 'x'.repeat(40_000);
  piece.update(contextOf(text, true));
  const [first] = piece.node.querySelectorAll('.llm-thought p');
  expect(paragraphs(piece).length).toBeLessThan(100);
  piece.update(contextOf(text + '\n\nb', true));
  spent.mockReturnValue(false);
  vi.runAllTimers();
  vi.useRealTimers();
  const all = paragraphs(piece);
  expect(piece.node.querySelector('.llm-thought p')).toBe(first);
  expect(all.slice(0, 2000)).toEqual(Array(2000).fill('a'));
  expect(all.slice(2000, -1).join('')).toBe('x'.repeat(40_000));
  expect(Math.max(...all.map(one => one.length))).toBeLessThan(20_000);
  expect(all[all.length - 1]).toBe('b');
  piece.update(contextOf('other', true));
  expect(paragraphs(piece)).toEqual(['other']);
});
