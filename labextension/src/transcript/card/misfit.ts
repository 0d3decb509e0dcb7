/** Why a value does not fit a JSON Schema, in a sentence. The kernel checks again before anything runs. */

import type { IParam } from '../document';
import { count } from '../dom/formatting';
import { visible } from '../dom/visible';
import { choicesIn, isNumber, kindOf, word } from './schema';
import type { Schema } from './schema';

/** Schemas inside schemas further down than this are left to the kernel. */
const DEEPEST = 8;

/** Why the JSON text of an argument does not fit; empty where it does. */
export function problemOf(json: string, param: IParam): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    if (kindOf(param) === 'number') {
      return 'Must be a number.';
    }
    return /^\s*[["{\d-]/.test(json)
      ? 'This is not JSON.'
      : 'This is not JSON; a string needs quotes.';
  }
  return misfit(value, param.schema ?? {});
}

/** Why a value does not fit; empty where it does. */
export function misfit(value: unknown, schema: Schema, depth = 0): string {
  if (depth > DEEPEST || !isSchema(schema) || '$ref' in schema) {
    return '';
  }
  return (
    ofChoices(value, schema, depth) ||
    ofValues(value, schema) ||
    ofType(value, schema) ||
    (typeof value === 'string' ? ofText(value, schema) : '') ||
    (typeof value === 'number' ? ofNumber(value, schema) : '') ||
    (Array.isArray(value) ? ofList(value, schema, depth) : '') ||
    (isObject(value) ? ofObject(value, schema, depth) : '')
  );
}

function ofChoices(value: unknown, schema: Schema, depth: number): string {
  const choices = choicesIn(schema);
  if (!choices) {
    return '';
  }
  const problems = choices.map(one => misfit(value, one, depth + 1));
  if (problems.includes('')) {
    return '';
  }
  const real = problems.filter((_, at) => choices[at]?.type !== 'null');
  return real.length === 1 ? real[0] : [...new Set(real)].join(' Or: ');
}

function ofValues(value: unknown, schema: Schema): string {
  const values =
    'const' in schema
      ? [schema.const]
      : Array.isArray(schema.enum)
        ? (schema.enum as unknown[])
        : null;
  const text = JSON.stringify(value);
  return !values || values.some(one => JSON.stringify(one) === text)
    ? ''
    : `Must be ${values.length > 1 ? 'one of ' : ''}${visible(values.map(word).join(', '))}.`;
}

function ofType(value: unknown, schema: Schema): string {
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (!Array.isArray(types) || types.length === 0) {
    return '';
  }
  const own = typeOf(value);
  const fits =
    types.includes(own) || (own === 'integer' && types.includes('number'));
  return fits ? '' : `Must be ${types.map(article).join(' or ')}.`;
}

function ofText(text: string, schema: Schema): string {
  const { minLength, maxLength, pattern } = schema;
  const length =
    isNumber(minLength) || isNumber(maxLength) ? Array.from(text).length : 0;
  if (isNumber(minLength) && length < minLength) {
    return minLength === 1
      ? 'Must not be empty.'
      : `At least ${count(minLength)} characters.`;
  }
  if (isNumber(maxLength) && length > maxLength) {
    return `At most ${count(maxLength)} characters.`;
  }
  return typeof pattern === 'string' && !matches(text, pattern)
    ? `Must match ${visible(pattern)}`
    : '';
}

function matches(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return true;
  }
}

function ofNumber(value: number, schema: Schema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (isNumber(minimum) && value < minimum) {
    return `At least ${minimum}.`;
  }
  if (isNumber(maximum) && value > maximum) {
    return `At most ${maximum}.`;
  }
  if (isNumber(exclusiveMinimum) && value <= exclusiveMinimum) {
    return `More than ${exclusiveMinimum}.`;
  }
  if (isNumber(exclusiveMaximum) && value >= exclusiveMaximum) {
    return `Less than ${exclusiveMaximum}.`;
  }
  return '';
}

function ofList(values: unknown[], schema: Schema, depth: number): string {
  const { minItems, maxItems, items } = schema;
  if (isNumber(minItems) && values.length < minItems) {
    return `At least ${minItems} items.`;
  }
  if (isNumber(maxItems) && values.length > maxItems) {
    return `At most ${maxItems} items.`;
  }
  return isSchema(items)
    ? first(values, (value, at) =>
        placed(`Item ${at + 1}`, misfit(value, items, depth + 1))
      )
    : '';
}

function ofObject(
  value: Record<string, unknown>,
  schema: Schema,
  depth: number
): string {
  const { properties, required, additionalProperties } = schema;
  const missing = Array.isArray(required)
    ? required.find(name => !(String(name) in value))
    : undefined;
  if (missing !== undefined) {
    return `Needs ${visible(String(missing))}.`;
  }
  const known = isSchema(properties) ? properties : {};
  return first(Object.keys(value), name => {
    const own = Object.prototype.hasOwnProperty.call(known, name)
      ? known[name]
      : additionalProperties;
    if (own === false) {
      return `There is no ${visible(name)}.`;
    }
    const problem = isSchema(own) ? misfit(value[name], own, depth + 1) : '';
    return placed(visible(name), problem);
  });
}

function first<T>(
  items: T[],
  problem: (item: T, at: number) => string
): string {
  for (let at = 0; at < items.length; at += 1) {
    const found = problem(items[at], at);
    if (found) {
      return found;
    }
  }
  return '';
}

/** Say where in a value the problem is. */
function placed(place: string, problem: string): string {
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

function article(type: unknown): string {
  const names: Record<string, string> = {
    array: 'a list',
    integer: 'a whole number',
    null: 'null',
    object: 'an object',
    string: 'a string'
  };
  return names[String(type)] ?? `a ${String(type)}`;
}
