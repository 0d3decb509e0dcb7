/** Numbers, times and counts as a reader sees them. */

/** `0.9 s`, `18.4 s`, `41 s`, `3 min 5 s`. */
export function duration(seconds: number): string {
  if (seconds < 0.05) {
    return '0.0 s';
  }
  if (seconds < 19.95) {
    return `${seconds.toFixed(1)} s`;
  }
  return wholeSeconds(seconds);
}

/** Whole seconds, for what is still counting. */
export function wholeSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) {
    return `${whole} s`;
  }
  if (whole < 7200) {
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `12:03` of an ISO 8601 time, in the reader's time zone; the date too where it was another day. */
export function clock(iso: string, now: number): string {
  const when = new Date(iso);
  if (Number.isNaN(when.getTime())) {
    return '';
  }
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(when.getHours())}:${two(when.getMinutes())}`;
  if (new Date(now).toDateString() === when.toDateString()) {
    return time;
  }
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())} ${time}`;
}

/** A whole number with thousands separated, the same in every locale. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `1 tool call`, `6 tool calls`. */
export function plural(value: number, one: string, many = one + 's'): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** One line, cut at a length with an ellipsis. */
export function oneLine(text: string, length: number): string {
  const line = text
    .slice(0, length * 2)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > length || text.length > length * 2
    ? line.slice(0, length - 1).trimEnd() + '…'
    : line;
}
