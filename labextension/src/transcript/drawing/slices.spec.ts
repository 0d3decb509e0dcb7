import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Slices } from './slices';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('what waits is drawn with the next frame', () => {
  const slices = new Slices();
  const draw = vi.fn();
  slices.begin();
  slices.later(draw);
  vi.advanceTimersToNextFrame();
  expect(draw).toHaveBeenCalledTimes(1);
});

test('a frame for which something was drawn already draws nothing that waits', () => {
  const slices = new Slices();
  const draw = vi.fn();
  requestAnimationFrame(() => slices.begin());
  slices.later(draw);
  vi.advanceTimersToNextFrame();
  expect(draw).not.toHaveBeenCalled();
  vi.advanceTimersToNextFrame();
  expect(draw).toHaveBeenCalledTimes(1);
});
