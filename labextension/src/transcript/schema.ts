/** What a JSON Schema says of one value: in words, and whether a value fits. The kernel checks again before anything runs. */

import type { IParam } from './document';
import { count } from './words';

export type Kind = 'text' | 'number' | 'boolean' | 'choice' | 'json';
type Schema = Record<string, unknown>;

/** The schema of a value that is not null, where there is one such. */
function schemaOf(param: IParam): Schema {
  const schema = param.schema ?? {};
  const choices = schema.anyOf ?? schema.oneOf;
  if (!Array.isArray(choices)) {
    return schema;
  }
  const real = (choices as Schema[]).filter(one => one?.type !== 'null');
  return real.length === 1 ? { ...schema, ...real[0] } : schema;
}

/** Whether `null` fits too. */
function takesNull(param: IParam): boolean {
  const { anyOf, oneOf, type } = param.schema ?? {};
  const choices = anyOf ?? oneOf;
  return Array.isArray(choices)
    ? (choices as Schema[]).some(one => one?.type === 'null')
    : Array.isArray(type) && type.includes('null');
}

/** Which kind of field an argument gets. */
export function kindOf(param: IParam): Kind {
  const schema = schemaOf(param);
  if (Array.isArray(schema.enum) && schema.enum.length > 0) {
    return 'choice';
  }
  if (param.isText) {
    return schema.type === undefined || schema.type === 'string'
      ? 'text'
      : 'json';
  }
  if (schema.type === 'boolean' && /^(?:true|false)$/.test(param.text.trim())) {
    return 'boolean';
  }
  const isNumeric = /^-?[\d.]+(?:e[+-]?\d+)?$/i.test(param.text.trim());
  return isNumeric && (schema.type === 'integer' || schema.type === 'number')
    ? 'number'
    : 'json';
}

/** The values that the schema lists. */
export function choicesOf(param: IParam): unknown[] {
  return schemaOf(param).enum as unknown[];
}

/** `string, required`, `integer, 0 to 60`, `one of low, normal, high`. */
export function typeWords(param: IParam): string {
  const schema = schemaOf(param);
  if (kindOf(param) === 'boolean' && param.description) {
    return param.description;
  }
  if (kindOf(param) === 'choice') {
    return 'one of ' + (schema.enum as unknown[]).map(word).join(', ');
  }
  const facts = [param.type];
  const { minimum, maximum, minLength, maxLength } = schema;
  if (isNumber(minimum) && isNumber(maximum)) {
    facts.push(`${minimum} to ${maximum}`);
  } else if (isNumber(minimum)) {
    facts.push(`at least ${minimum}`);
  } else if (isNumber(maximum)) {
    facts.push(`at most ${maximum}`);
  }
  if (isNumber(maxLength)) {
    facts.push(`at most ${count(maxLength)} characters`);
  } else if (isNumber(minLength) && minLength > 0) {
    facts.push(`at least ${count(minLength)} characters`);
  } else if (param.required) {
    facts.push('required');
  }
  return facts.join(', ');
}

/** Why a string does not fit; empty where it does. */
export function checkText(text: string, param: IParam): string {
  return checkLength(text, schemaOf(param));
}

function checkLength(text: string, schema: Schema): string {
  const { minLength, maxLength, pattern } = schema;
  const length = Array.from(text).length;
  if (isNumber(minLength) && length < minLength) {
    return minLength === 1
      ? 'Must not be empty.'
      : `At least ${count(minLength)} characters.`;
  }
  if (isNumber(maxLength) && length > maxLength) {
    return `At most ${count(maxLength)} characters.`;
  }
  if (typeof pattern === 'string' && !matches(text, pattern)) {
    return `Must match ${pattern}`;
  }
  return '';
}

/** Why the JSON text of a value does not fit; empty where it does. */
export function checkValue(json: string, param: IParam): string {
  const schema = schemaOf(param);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return kindOf(param) === 'number'
      ? 'Must be a number.'
      : 'This is not JSON.';
  }
  if (value === null && takesNull(param)) {
    return '';
  }
  return (
    checkType(value, schema) ||
    checkRange(value, schema) ||
    (typeof value === 'string' ? checkLength(value, schema) : '')
  );
}

function checkType(value: unknown, schema: Schema): string {
  const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
  if (!Array.isArray(types) || types.length === 0) {
    return '';
  }
  const own = typeOf(value);
  const fits =
    types.includes(own) || (own === 'integer' && types.includes('number'));
  return fits ? '' : `Must be ${types.map(article).join(' or ')}.`;
}

function checkRange(value: unknown, schema: Schema): string {
  if (typeof value === 'number') {
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
  }
  if (Array.isArray(value)) {
    const { minItems, maxItems } = schema;
    if (isNumber(minItems) && value.length < minItems) {
      return `At least ${minItems} items.`;
    }
    if (isNumber(maxItems) && value.length > maxItems) {
      return `At most ${maxItems} items.`;
    }
  }
  return '';
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

function article(type: string): string {
  const names: Record<string, string> = {
    array: 'a list',
    integer: 'a whole number',
    null: 'null',
    object: 'an object',
    string: 'a string in quotes'
  };
  return names[type] ?? `a ${type}`;
}

function word(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function matches(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return true;
  }
}
