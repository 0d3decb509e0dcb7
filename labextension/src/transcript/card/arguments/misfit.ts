/**
 * Says in a sentence why a value does not fit a JSON Schema.
 *
 * This helps the reader and protects nothing: the kernel validates edited
 * arguments again before anything runs. So only common keywords are known here,
 * and a value passes if it cannot be judged: because of a `$ref`, a pattern in
 * another dialect, or a schema that is nested too deeply. A checker takes a
 * value and a schema, and returns an empty string if the value fits; `misfit`
 * asks one after the other and returns the first problem.
 */

import type { IParam } from '../../protocol/document';
import { count } from '../../dom/formatting';
import { visible } from '../../dom/visible';
import { choicesIn, isNumber, kindOf, wordFor } from './schema';
import type { Schema } from './schema';
import { trans } from '../../dom/translation';

/** How deep schemas are followed. */
const MAX_DEPTH = 8;

/** How many repetitions and choices a pattern may have to be tried here. */
const MAX_LOOPS = 2;
const MAX_CHOICES = 8;

/** The length of a text up to which it is matched with a pattern. */
const MAX_MATCHED = 500;

/** Why the JSON text of an argument does not fit; empty if it does. */
export function problemOf(json: string, param: IParam): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    if (kindOf(param) === 'number') {
      return trans.__('Must be a number.');
    }
    return /^\s*[["{\d-]/.test(json)
      ? trans.__('This is not JSON.')
      : trans.__('This is not JSON; a string needs quotes.');
  }
  return misfit(value, param.schema ?? {});
}

/** Why a value does not fit; empty if it does. */
export function misfit(value: unknown, schema: Schema, depth = 0): string {
  if (depth > MAX_DEPTH || !isSchema(schema) || '$ref' in schema) {
    return '';
  }
  return (
    checkChoices(value, schema, depth) ||
    checkValues(value, schema) ||
    checkType(value, schema) ||
    (typeof value === 'string' ? checkText(value, schema) : '') ||
    (typeof value === 'number' ? checkNumber(value, schema) : '') ||
    (Array.isArray(value) ? checkList(value, schema, depth) : '') ||
    (isObject(value) ? checkObject(value, schema, depth) : '')
  );
}

function checkChoices(value: unknown, schema: Schema, depth: number): string {
  const choices = choicesIn(schema);
  if (!choices) {
    return '';
  }
  const problems = choices.map(one => misfit(value, one, depth + 1));
  if (problems.includes('')) {
    return '';
  }
  // "Must be null" is no help to a reader who has written something.
  const useful = problems.filter((_, at) => choices[at]?.type !== 'null');
  return useful.length === 1
    ? useful[0]
    : [...new Set(useful)].join(trans.__(' Or: '));
}

function checkValues(value: unknown, schema: Schema): string {
  const values =
    'const' in schema
      ? [schema.const]
      : Array.isArray(schema.enum)
        ? (schema.enum as unknown[])
        : null;
  const text = JSON.stringify(value);
  if (!values || values.some(one => JSON.stringify(one) === text)) {
    return '';
  }
  const words = visible(values.map(wordFor).join(', '));
  return values.length > 1
    ? trans.__('Must be one of %1.', words)
    : trans.__('Must be %1.', words);
}

function checkType(value: unknown, schema: Schema): string {
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (!Array.isArray(types) || types.length === 0) {
    return '';
  }
  const actual = typeOf(value);
  const fits =
    types.includes(actual) ||
    (actual === 'integer' && types.includes('number'));
  return fits
    ? ''
    : trans.__('Must be %1.', types.map(withArticle).join(trans.__(' or ')));
}

function checkText(text: string, schema: Schema): string {
  const { minLength, maxLength, pattern } = schema;
  const length =
    isNumber(minLength) || isNumber(maxLength) ? Array.from(text).length : 0;
  if (isNumber(minLength) && length < minLength) {
    return minLength === 1
      ? trans.__('Must not be empty.')
      : trans.__('At least %1 characters.', count(minLength));
  }
  if (isNumber(maxLength) && length > maxLength) {
    return trans.__('At most %1 characters.', count(maxLength));
  }
  return typeof pattern === 'string' && !matches(text, pattern)
    ? trans.__('Must match %1', visible(pattern))
    : '';
}

/**
 * Whether a text matches a pattern. A pattern may come from a stranger, and the
 * page freezes while it is tried, forever with one such as `^(a+)+$`. So only
 * plain patterns are tried here, on short texts. The kernel, which can bound
 * the time, tries the others.
 */
function matches(text: string, pattern: string): boolean {
  if (text.length > MAX_MATCHED || !isPlain(pattern)) {
    return true;
  }
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    // Not all patterns of Python are patterns of JavaScript.
    return true;
  }
}

/**
 * Whether a pattern can match a text in only a few ways: it repeats no group,
 * refers to none, and has few repetitions and choices. The time that it takes
 * is then at most quadratic in the text.
 */
function isPlain(pattern: string): boolean {
  const bare = pattern
    .replace(/\\[\s\S]/g, found => (/[1-9k]/.test(found[1]) ? '\\1' : 'x'))
    .replace(/\[[^\]]*\]?/g, 'x');
  const repeated = bare.match(/[*+]|\{\d+,\d*\}/g) ?? [];
  const choices = bare.match(/[?|]/g) ?? [];
  // A search without an anchor tries every place of the text.
  const loops = repeated.length + (bare.startsWith('^') ? 0 : 1);
  return (
    loops <= MAX_LOOPS &&
    choices.length <= MAX_CHOICES &&
    !/\)[*+?{]/.test(bare) &&
    !bare.includes('\\1')
  );
}

function checkNumber(value: number, schema: Schema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (isNumber(minimum) && value < minimum) {
    return trans.__('At least %1.', String(minimum));
  }
  if (isNumber(maximum) && value > maximum) {
    return trans.__('At most %1.', String(maximum));
  }
  if (isNumber(exclusiveMinimum) && value <= exclusiveMinimum) {
    return trans.__('More than %1.', String(exclusiveMinimum));
  }
  if (isNumber(exclusiveMaximum) && value >= exclusiveMaximum) {
    return trans.__('Less than %1.', String(exclusiveMaximum));
  }
  return '';
}

function checkList(values: unknown[], schema: Schema, depth: number): string {
  const { minItems, maxItems, items } = schema;
  if (isNumber(minItems) && values.length < minItems) {
    return trans.__('At least %1 items.', String(minItems));
  }
  if (isNumber(maxItems) && values.length > maxItems) {
    return trans.__('At most %1 items.', String(maxItems));
  }
  return isSchema(items)
    ? firstProblem(values, (value, at) =>
        located(
          trans.__('Item %1', String(at + 1)),
          misfit(value, items, depth + 1)
        )
      )
    : '';
}

function checkObject(
  value: Record<string, unknown>,
  schema: Schema,
  depth: number
): string {
  const { properties, required, additionalProperties } = schema;
  const missing = Array.isArray(required)
    ? required.find(name => !(String(name) in value))
    : undefined;
  if (missing !== undefined) {
    return trans.__('Needs %1.', visible(String(missing)));
  }
  const known = isSchema(properties) ? properties : {};
  return firstProblem(Object.keys(value), name => {
    const expected = Object.prototype.hasOwnProperty.call(known, name)
      ? known[name]
      : additionalProperties;
    if (expected === false) {
      return trans.__('There is no %1.', visible(name));
    }
    const problem = isSchema(expected)
      ? misfit(value[name], expected, depth + 1)
      : '';
    return located(visible(name), problem);
  });
}

function firstProblem<T>(
  items: T[],
  problemAt: (item: T, at: number) => string
): string {
  for (let at = 0; at < items.length; at += 1) {
    const found = problemAt(items[at], at);
    if (found) {
      return found;
    }
  }
  return '';
}

/** A problem, preceded by where in the value it is. */
function located(place: string, problem: string): string {
  return problem
    ? `${place}: ${problem[0].toLowerCase()}${problem.slice(1)}`
    : '';
}

function isSchema(value: unknown): value is Schema {
  return isObject(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (Array.isArray(value)) {
    return 'array';
  }
  return typeof value === 'number' && Number.isInteger(value)
    ? 'integer'
    : typeof value;
}

function withArticle(type: unknown): string {
  const names: Record<string, string> = {
    array: trans.__('a list'),
    integer: trans.__('a whole number'),
    null: 'null',
    object: trans.__('an object'),
    string: trans.__('a string')
  };
  return names[String(type)] ?? trans.__('a %1', String(type));
}
