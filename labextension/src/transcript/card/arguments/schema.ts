/** Reads from the JSON Schema of an argument which field it gets, and what its type is in words. */

import type { IParam } from '../../protocol/document';
import { count } from '../../dom/formatting';
import { trans } from '../../dom/translation';

/** The kinds of fields. */
export type Kind = 'text' | 'number' | 'boolean' | 'choice' | 'json';
/** A JSON Schema, of which nothing is known yet. */
export type Schema = Record<string, unknown>;

/** The schema without the alternative `null`, if that leaves one alternative; otherwise the schema itself. */
function schemaBesidesNull(param: IParam): Schema {
  const schema = param.schema ?? {};
  const choices = choicesIn(schema);
  if (choices) {
    const real = choices.filter(one => one?.type !== 'null');
    return real.length === 1 ? { ...schema, ...real[0] } : schema;
  }
  if (Array.isArray(schema.type)) {
    const real = schema.type.filter(type => type !== 'null');
    return real.length === 1 ? { ...schema, type: real[0] } : schema;
  }
  return schema;
}

/** The alternatives of a schema, one of which a value must fit; null if it has none. */
export function choicesIn(schema: Schema): Schema[] | null {
  const choices = schema.anyOf ?? schema.oneOf;
  return Array.isArray(choices) ? (choices as Schema[]) : null;
}

/** Whether the argument may be null. */
export function takesNull(param: IParam): boolean {
  const schema = param.schema ?? {};
  const choices = choicesIn(schema);
  if (choices) {
    return choices.some(one => one?.type === 'null');
  }
  const { type, enum: values } = schema;
  return (
    (Array.isArray(type) && type.includes('null')) ||
    (Array.isArray(values) && values.includes(null))
  );
}

/** The kind of field that an argument gets. A value that does not fit its own schema is edited as JSON. */
export function kindOf(param: IParam): Kind {
  const { type } = schemaBesidesNull(param);
  if (valuesOf(param).length > 0) {
    return 'choice';
  }
  const isNullNow = isNull(param);
  if (param.isText || (isNullNow && type === 'string')) {
    return type === undefined || type === 'string' ? 'text' : 'json';
  }
  const text = param.text.trim();
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) {
    return 'boolean';
  }
  const isNumeric = /^-?[\d.]+(?:e[+-]?\d+)?$/i.test(text);
  return (isNumeric || isNullNow) && (type === 'integer' || type === 'number')
    ? 'number'
    : 'json';
}

/** Whether the argument is null, and may be. */
export function isNull(param: IParam): boolean {
  return !param.isText && param.text.trim() === 'null' && takesNull(param);
}

/** The values to choose from; empty if the argument can be written freely. */
export function valuesOf(param: IParam): unknown[] {
  const schema = schemaBesidesNull(param);
  const listed = Array.isArray(schema.enum) ? (schema.enum as unknown[]) : [];
  const nullable = takesNull(param);
  if (listed.length > 0) {
    return nullable && !listed.includes(null) ? [...listed, null] : listed;
  }
  return nullable && schema.type === 'boolean' ? [true, false, null] : [];
}

/** The type in words: `string, required`, `integer, 0 to 60` or `one of low, normal, high`. */
export function typeWords(param: IParam): string {
  const kind = kindOf(param);
  if (kind === 'boolean' && param.description) {
    return param.description;
  }
  if (kind === 'choice') {
    return trans.__('one of %1', valuesOf(param).map(wordFor).join(', '));
  }
  const facts = [param.type];
  const { minimum, maximum, minLength, maxLength } = schemaBesidesNull(param);
  if (isNumber(minimum) && isNumber(maximum)) {
    facts.push(trans.__('%1 to %2', String(minimum), String(maximum)));
  } else if (isNumber(minimum)) {
    facts.push(trans.__('at least %1', String(minimum)));
  } else if (isNumber(maximum)) {
    facts.push(trans.__('at most %1', String(maximum)));
  }
  if (isNumber(maxLength)) {
    facts.push(trans.__('at most %1 characters', count(maxLength)));
  } else if (isNumber(minLength) && minLength > 0) {
    facts.push(trans.__('at least %1 characters', count(minLength)));
  } else if (param.required) {
    facts.push(trans.__('required'));
  }
  return facts.join(', ');
}

/** A value in words: a string without its quotes, anything else as JSON. */
export function wordFor(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether a value is a number, for the bounds in a schema. */
export function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
