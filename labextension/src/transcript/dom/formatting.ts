/** Formats numbers, times and short texts for the reader. */

import { trans } from './translation';

/** A duration such as `0.9 s`, `18.4 s`, `41 s` or `3 min 5 s`. */
export function duration(seconds: number): string {
  if (seconds < 0.05) {
    return trans.__('%1 s', '0.0');
  }
  if (seconds < 19.95) {
    return trans.__('%1 s', seconds.toFixed(1));
  }
  return wholeSeconds(seconds);
}

/** A duration in whole seconds, for one that is still growing. */
export function wholeSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) {
    return trans.__('%1 s', String(whole));
  }
  if (whole < 7200) {
    return trans.__(
      '%1 min %2 s',
      String(Math.floor(whole / 60)),
      String(whole % 60)
    );
  }
  return trans.__(
    '%1 h %2 min',
    String(Math.floor(whole / 3600)),
    String(Math.floor((whole % 3600) / 60))
  );
}

/** An ISO 8601 time as `12:03` in the reader's time zone, with the date unless it is today. Empty if it is not a time. */
export function clock(iso: string, now: number): string {
  const when = new Date(iso);
  if (Number.isNaN(when.getTime())) {
    return '';
  }
  const padded = (value: number): string => String(value).padStart(2, '0');
  const time = `${padded(when.getHours())}:${padded(when.getMinutes())}`;
  if (new Date(now).toDateString() === when.toDateString()) {
    return time;
  }
  return `${when.getFullYear()}-${padded(when.getMonth() + 1)}-${padded(when.getDate())} ${time}`;
}

/** A whole number with a comma between thousands, in every locale. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** A text on one line, cut with an ellipsis if it is longer than `length`. */
export function oneLine(text: string, length: number): string {
  // Only the beginning is looked at: the text may be megabytes long.
  const line = text
    .slice(0, length * 2)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > length || text.length > length * 2
    ? line.slice(0, length - 1).trimEnd() + '…'
    : line;
}

/** The text with no more marks on one letter than any script needs. Laying out thousands of them takes seconds. */
export function limitMarks(text: string): string {
  return text.replace(/(\p{M}{16})\p{M}+/gu, '$1…');
}

/** What an error says to the reader. */
export function sentenceOf(
  error: unknown,
  otherwise = trans.__('It could not be done.')
): string {
  const said = error instanceof Error ? error.message : String(error ?? '');
  return said || otherwise;
}
