/** Small texts that several parts of the side panel show. */

import { attrs, el } from '../transcript/dom/elements';
import { icon } from '../transcript/dom/icons';

/** A line with what has happened. */
export function sayLine(text: string, tone: string): HTMLElement {
  const glyph = { '': 'clock', 'llm-bad': 'warning' }[tone] as
    'clock' | 'warning';
  return attrs(
    el('p', `llm-say ${tone}`, icon(glyph ?? 'check'), el('span', '', text)),
    { role: tone ? 'alert' : null }
  );
}

export const timeOf = (at: Date): string =>
  at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** When something was, in few characters: a time today, a weekday in the last days, else a date. */
export function when(iso: string, now = new Date()): string {
  const at = new Date(iso);
  if (isNaN(at.getTime())) {
    return '';
  }
  const days = (now.getTime() - at.getTime()) / 86_400_000;
  if (days < 1 && at.getDate() === now.getDate()) {
    return timeOf(at);
  }
  return days < 6
    ? at.toLocaleDateString([], { weekday: 'short' })
    : at.toLocaleDateString([], { day: 'numeric', month: 'short' });
}
