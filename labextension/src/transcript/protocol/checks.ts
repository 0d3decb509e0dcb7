/** Makes checks of values that come from outside. Each check says whether a value has a shape. */

/** Says whether a value has a shape. */
export type Check = (value: unknown) => boolean;

/** The value is a string. */
export const isText: Check = value => typeof value === 'string';
/** The value is a finite number. */
export const isNumber: Check = value => Number.isFinite(value);
/** The value is a whole number that JavaScript represents exactly. */
export const isCount: Check = value => Number.isSafeInteger(value);
/** The value is true or false. */
export const isFlag: Check = value => typeof value === 'boolean';
/** The value is an object and not a list. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether an object has a member of its own. A name such as `constructor` counts only if it was written into it. */
export const has = (value: object, name: string): boolean =>
  Object.prototype.hasOwnProperty.call(value, name);

/** The value may also be missing or null. */
export const maybe =
  (check: Check): Check =>
  value =>
    value === undefined || value === null || check(value);

/** The value is one of these. */
export const oneOf =
  (...values: unknown[]): Check =>
  value =>
    values.includes(value);

/** The value is a list, each item of which passes the check. */
export const listOf =
  (check: Check): Check =>
  value =>
    Array.isArray(value) && value.every(check);

/** An object whose members pass these checks. It may have more. */
export const shape =
  (checks: Record<string, Check>): Check =>
  value =>
    isObject(value) &&
    Object.entries(checks).every(([name, check]) =>
      check(has(value, name) ? value[name] : undefined)
    );
