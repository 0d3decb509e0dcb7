/**
 * Compares and splits JSON as text, because `JSON.parse` silently rounds large
 * numbers: the arguments that run must be exactly those that were approved.
 */

/** What `compact` changes: a string, or a run of white space. */
const TOKENS = /"(?:[^"\\]|\\.)*"|\s+/g;

/** A JSON text without white space and with its strings in one notation. A text that is not JSON stays as it is. */
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

/** Whether two JSON texts mean the same, digit by digit. */
export function isSame(one: string, other: string): boolean {
  return one === other || compact(one) === compact(other);
}

/** The members of a JSON object, by name, each as JSON text; null if the text is not an object. */
export function membersOf(json: string): Map<string, string> | null {
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
  for (const part of splitAtCommas(json.trim().slice(1, -1))) {
    const name = /^\s*("(?:[^"\\]|\\.)*")\s*:/.exec(part);
    if (name) {
      const text = part.slice(name[0].length).trim();
      found.set(JSON.parse(name[1]) as string, text);
    }
  }
  return found;
}

/** Split a text at the commas that are not inside a string, list or object. */
function splitAtCommas(text: string): string[] {
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
