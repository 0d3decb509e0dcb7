/** The options of a prompt, and which of them somebody may have meant. */

import OPTIONS from './options.json';

/** The kinds of the values of each option. */
export const OPTION_VALUES = new Map<string, string[]>(Object.entries(OPTIONS));

/** How many letters may differ between what was typed and what was meant. */
const MOST_DIFFERENCES = 2;

/** The option that is most like a wrong one; empty if none is. */
export function nearestOption(wrong: string): string {
  const typed = wrong.replace(/^-+/, '');
  const doubled = `--${typed}`;
  let best = '';
  let fewest = Math.min(MOST_DIFFERENCES, Math.floor(typed.length / 2)) + 1;
  for (const option of OPTION_VALUES.keys()) {
    // Anybody may have pasted a very long word, and most lengths differ too much anyway.
    const isNear = Math.abs(option.length - doubled.length) < fewest;
    const count = isNear ? differences(doubled, option) : fewest;
    if (option.startsWith('--') && count < fewest) {
      [best, fewest] = [option, count];
    }
  }
  return best;
}

/** Whether an option may still become one that there is, if more letters are typed. */
export function mayBecomeOption(typed: string): boolean {
  return [...OPTION_VALUES.keys()].some(option => option.startsWith(typed));
}

/** How many letters have to be put in, left out or replaced to turn one word into the other. */
function differences(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let to = 1; to <= other.length; to += 1) {
      const kept = row[to - 1] + Number(one[at - 1] !== other[to - 1]);
      next.push(Math.min(kept, row[to] + 1, next[to - 1] + 1));
    }
    row = next;
  }
  return row[other.length];
}
