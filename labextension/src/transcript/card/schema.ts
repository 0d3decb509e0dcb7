/** What a JSON Schema says of one argument: which field it gets, and its type in words. */

import type { IParam } from '../document';
import { count } from '../dom/formatting';

export type Kind = 'text' | 'number' | 'boolean' | 'choice' | 'json';
export type Schema = Record<string, unknown>;

/** The schema of a value that is not null, where there is one such. */
function schemaOf(param: IParam): Schema {
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

/** The schemas of which a value has to fit one. */
export function choicesIn(schema: Schema): Schema[] | null {
  const choices = schema.anyOf ?? schema.oneOf;
  return Array.isArray(choices) ? (choices as Schema[]) : null;
}

/** Whether `null` fits too. */
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

/** Which kind of field an argument gets. */
export function kindOf(param: IParam): Kind {
  const { type } = schemaOf(param);
  if (valuesOf(param).length > 0) {
    return 'choice';
  }
  const isNull = isNullNow(param);
  if (param.isText || (isNull && type === 'string')) {
    return type === undefined || type === 'string' ? 'text' : 'json';
  }
  const text = param.text.trim();
  if (type === 'boolean' && /^(?:true|false)$/.test(text)) {
    return 'boolean';
  }
  const isNumeric = /^-?[\d.]+(?:e[+-]?\d+)?$/i.test(text);
  return (isNumeric || isNull) && (type === 'integer' || type === 'number')
    ? 'number'
    : 'json';
}

/** Whether the value is null, and may be. */
export function isNullNow(param: IParam): boolean {
  return !param.isText && param.text.trim() === 'null' && takesNull(param);
}

/** The values that an argument is chosen from; none where it is written freely. */
export function valuesOf(param: IParam): unknown[] {
  const schema = schemaOf(param);
  const listed = Array.isArray(schema.enum) ? (schema.enum as unknown[]) : [];
  const nullable = takesNull(param);
  if (listed.length > 0) {
    return nullable && !listed.includes(null) ? [...listed, null] : listed;
  }
  return nullable && schema.type === 'boolean' ? [true, false, null] : [];
}

/** `string, required`, `integer, 0 to 60`, `one of low, normal, high`. */
export function typeWords(param: IParam): string {
  const kind = kindOf(param);
  if (kind === 'boolean' && param.description) {
    return param.description;
  }
  if (kind === 'choice') {
    return 'one of ' + valuesOf(param).map(word).join(', ');
  }
  const facts = [param.type];
  const { minimum, maximum, minLength, maxLength } = schemaOf(param);
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

/** A value as a word: a string without its quotes. */
export function word(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
