/** JSON texts compared and cut as texts: `JSON.parse` would round a large number without a word. */

/** A string, or a run of white space. */
const TOKENS = /"(?:[^"\\]|\\.)*"|\s+/g;

/** A JSON text without white space, its strings written in one way. Not JSON: as it is. */
export function compact(json: string): string {
  try {
    JSON.parse(json);
  } catch {
    return json;
  }
  return json.replace(TOKENS, token =>
    token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : ''
  );
}

/** Whether two JSON texts say the same. */
export function isSame(one: string, other: string): boolean {
  return one === other || compact(one) === compact(other);
}

/** The names of a JSON object, each with the text of its value; `null` where the text is none. */
export function members(json: string): Map<string, string> | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (!value || typeof value !== 'object' || Array.isArray(value)) {
    return null;
  }
  const found = new Map<string, string>();
  for (const part of cutAtCommas(json.trim().slice(1, -1))) {
    const name = /^\s*("(?:[^"\\]|\\.)*")\s*:/.exec(part);
    if (name) {
      const text = part.slice(name[0].length).trim();
      found.set(JSON.parse(name[1]) as string, text);
    }
  }
  return found;
}

/** Cut a text at the commas that stand in no string, list or object. */
function cutAtCommas(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const match of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},]/g)) {
    const [sign] = match;
    if (sign === '[' || sign === '{') {
      depth += 1;
    } else if (sign === ']' || sign === '}') {
      depth -= 1;
    } else if (sign === ',' && depth === 0) {
      parts.push(text.slice(start, match.index));
      start = match.index + 1;
    }
  }
  return [...parts, text.slice(start)];
}
