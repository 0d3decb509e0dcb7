/** The boxes that a transcript is made of: rows with a glyph, wells for text from outside, notes of ours. */

import { attrs, el } from './elements';
import type { Child } from './elements';
import { icon } from './icons';
import type { Icon } from './icons';

export type Tone = '' | 'ok' | 'warn' | 'error' | 'brand';

/** The class for a status colour, with a space before it. */
export function toneClass(tone: Tone | undefined): string {
  return tone ? ` llm-is-${tone}` : '';
}

/** A well: the ground for text from a model, a tool or a server. */
export function well(...children: Child[]): HTMLElement {
  return el('div', 'llm-well', ...children);
}

/** The line of ours over or under a well. */
export function wellLabel(...children: Child[]): HTMLElement {
  return el('div', 'llm-well-label', ...children);
}

/** A row with a glyph in the gutter. */
export function row(
  glyph: Icon,
  tone: Tone,
  ...children: Child[]
): HTMLElement {
  return el(
    'div',
    'llm-row',
    el('span', 'llm-glyph' + toneClass(tone), icon(glyph)),
    el('div', '', ...children)
  );
}

/** Make a node the one thing that its screen reader reads as a group. */
export function group<T extends Element>(node: T, label: string): T {
  return attrs(node, { role: 'group', 'aria-label': label });
}

/** A line of ours with a warning sign; nothing for no text. */
export function noteNode(text: string): HTMLElement | null {
  return text
    ? el('div', 'llm-note', icon('warning'), el('span', '', text))
    : null;
}
