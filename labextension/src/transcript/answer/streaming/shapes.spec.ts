/**
 * Whatever a text repeats or nests, a page never does much work at once. The
 * work is counted, not timed: what one step of the drawing parses and draws.
 * `benchmarks/hostile_page.py` measures times, of larger texts.
 */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Slices } from '../../drawing/slices';
import { SHAPES } from '../../testing/shapes';
import { Answer } from './answer';
import { Markdown } from '../markdown/markdown';

const SIZE = 20_000;

/** What a step may parse: a portion, and the head of a table or the fence of code before it. */
const MOST_PARSED = 8192 + 4000;

/** One in this many shapes is tried here. The benchmark tries all of them. */
const EVERY = 11;

/** What a step may draw, in elements. */
const MOST_DRAWN = 4000;

beforeEach(() => {
  vi.useFakeTimers();
  // There is time for two steps in each frame.
  let left = 0;
  vi.spyOn(Slices.prototype, 'begin').mockImplementation(() => {
    left = 2;
  });
  vi.spyOn(Slices.prototype, 'isSpent', 'get').mockImplementation(() => {
    left -= 1;
    return left < 0;
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  // The runner waits for news between two tests.
  await new Promise(resolve => setTimeout(resolve));
});

function sizeOf(nodes: Node[]): number {
  return nodes.reduce(
    (sum, node) =>
      sum +
      (node instanceof Element ? node.querySelectorAll('*').length + 1 : 1),
    0
  );
}

test.each(SHAPES.filter((_, at) => at % EVERY === 0))('%s', (_, shape) => {
  const text = shape(SIZE);
  const markdown = new Markdown();
  const { parse, nodes } = markdown;
  const parsed: number[] = [];
  const drawn: number[] = [];
  markdown.parse = (source, ...others) => {
    parsed.push(source.length);
    return parse.call(markdown, source, ...others);
  };
  markdown.nodes = (...given) => {
    const made = nodes.apply(markdown, given);
    drawn.push(sizeOf(made.flat()));
    return made;
  };
  const answer = new Answer(markdown, () => ({}));
  answer.update(text.slice(0, SIZE / 2), true);
  vi.advanceTimersToNextFrame();
  answer.update(text, false);
  vi.runAllTimers();
  expect(Math.max(...parsed)).toBeLessThanOrEqual(MOST_PARSED);
  expect(Math.max(0, ...drawn)).toBeLessThanOrEqual(MOST_DRAWN);
  expect(answer.node.childNodes.length > 0 || !text.trim()).toBe(true);
  expect(sizeOf([answer.node])).toBeLessThan(SIZE);
  answer.dispose();
});
