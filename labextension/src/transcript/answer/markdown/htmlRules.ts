/**
 * Recognises the HTML elements that models write where Markdown has no syntax:
 * `<br>`, `<sub>` and `<sup>`, without attributes. All other HTML stays text.
 */

import type MarkdownIt from 'markdown-it';

type InlineState = InstanceType<typeof MarkdownIt.StateInline>;

const BREAK = /^<br[ \t]*\/?>/i;
const PAIR = /^<(sub|sup)>([^<>\n]{1,200})<\/\1>/i;

/** Recognise such an element. This is a rule of the parser, which adds no token if `silent`. */
export function htmlRule(state: InlineState, silent: boolean): boolean {
  const { src, pos, posMax } = state;
  if (src[pos] !== '<') {
    return false;
  }
  const source = src.slice(pos, Math.min(posMax, pos + 220));
  const pair = PAIR.exec(source);
  const found = pair ?? BREAK.exec(source);
  if (!found) {
    return false;
  }
  if (!silent && pair) {
    const tag = pair[1].toLowerCase();
    state.push(`${tag}_open`, tag, 1);
    state.pos += tag.length + 2;
    state.posMax = state.pos + pair[2].length;
    state.md.inline.tokenize(state);
    state.push(`${tag}_close`, tag, -1);
  } else if (!silent) {
    state.push('hardbreak', 'br', 0);
  }
  state.pos = pos + found[0].length;
  state.posMax = posMax;
  return true;
}
