/** Makes checks of values that come from outside. Each check says whether a value has a shape. */

export type Check = (value: unknown) => boolean;

export const isText: Check = value => typeof value === 'string';
export const isNumber: Check = value => Number.isFinite(value);
export const isCount: Check = value => Number.isSafeInteger(value);
export const isFlag: Check = value => typeof value === 'boolean';
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

export const oneOf =
  (...values: unknown[]): Check =>
  value =>
    values.includes(value);

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
