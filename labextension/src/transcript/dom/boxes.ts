/** Makes the boxes of a transcript: rows with a glyph, wells for text from outside, and our own notes. */

import { attrs, el } from './elements';
import type { Child } from './elements';
import { icon } from './icons';
import type { Icon } from './icons';

/** The colour of a status, as `llm-is-…` classes. */
export type Tone = '' | 'ok' | 'warn' | 'error' | 'brand';

/** The class of a tone, with a space before it so that it can be appended; empty without a tone. */
export function toneClass(tone: Tone | undefined): string {
  return tone ? ` llm-is-${tone}` : '';
}

/** A well: the grey ground that only text from a model, a tool or a server stands on. */
export function well(...children: Child[]): HTMLElement {
  return el('div', 'llm-well', ...children);
}

/** Our own line above or below a well. */
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

/** Let screen readers treat a node as a group with this name. */
export function asGroup<T extends Element>(node: T, label: string): T {
  return attrs(node, { role: 'group', 'aria-label': label });
}

/** Our own note with a warning sign, or null if there is nothing to note. */
export function noteNode(text: string): HTMLElement | null {
  return text
    ? el('div', 'llm-note', icon('warning'), el('span', '', text))
    : null;
}
