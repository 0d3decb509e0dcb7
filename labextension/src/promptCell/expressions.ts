/**
 * Finds `{{ expression }}` in a prompt. For the kernel, an expression ends at
 * the first `}}` that leaves valid Python before it. Counting brackets and
 * skipping strings is enough to find it, if there is one.
 */

/** A `{{ expression }}`, braces included, as offsets in the text. */
export interface IExpression {
  from: number;
  to: number;
}

// Looking for the end of a longer one would take too long at every keystroke.
const LONGEST = 2000;
const STRING =
  /'''(?:[^\\]|\\[^])*?'''|"""(?:[^\\]|\\[^])*?"""|'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"/y;

/** Find the expressions of a prompt. */
export function expressionsIn(text: string): IExpression[] {
  const found: IExpression[] = [];
  let from = text.indexOf('{{');
  while (from >= 0) {
    const first = text.indexOf('}}', from + 2);
    if (first < 0) {
      break;
    }
    const body = text.slice(from + 2, from + 2 + LONGEST);
    const length = lengthOf(body);
    const to = (length < 0 ? first : from + 2 + length) + 2;
    found.push({ from, to });
    from = text.indexOf('{{', to);
  }
  return found;
}

/** The length of the expression that a text begins with, or -1 if `}}` does not end one. */
function lengthOf(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === "'" || character === '"') {
      STRING.lastIndex = at;
      const string = STRING.exec(text);
      if (string === null) {
        return -1;
      }
      at += string[0].length - 1;
    } else if (depth === 0 && text.startsWith('}}', at)) {
      return at;
    } else if ('([{'.includes(character)) {
      depth += 1;
    } else if (')]}'.includes(character)) {
      depth -= 1;
    }
  }
  return -1;
}
