// @vitest-environment node

import { expect, test } from 'vitest';

import { param } from '../../testing/samples';
import { misfit, problemOf } from './misfit';
import type { Schema } from './schema';

test.each<[unknown, Schema, string]>([
  [61, { type: 'integer', maximum: 60 }, 'At most 60.'],
  [-1, { type: 'integer', minimum: 0 }, 'At least 0.'],
  [1, { type: 'number', exclusiveMinimum: 1 }, 'More than 1.'],
  [1, { type: 'number', exclusiveMaximum: 1 }, 'Less than 1.'],
  [1.5, { type: 'integer' }, 'Must be a whole number.'],
  ['x', { type: 'number' }, 'Must be a number.'],
  [1, { type: 'boolean' }, 'Must be a boolean.'],
  [null, { type: 'string' }, 'Must be a string.'],
  [1, { type: ['string', 'null'] }, 'Must be a string or null.'],
  ['', { type: 'string', minLength: 1 }, 'Must not be empty.'],
  ['ab', { type: 'string', minLength: 3 }, 'At least 3 characters.'],
  ['abcd', { type: 'string', maxLength: 3 }, 'At most 3 characters.'],
  ['b', { type: 'string', pattern: '^a' }, 'Must match ^a'],
  [
    'x',
    { type: 'string', pattern: '^[a-z]{2}-\\d+$' },
    'Must match ^[a-z]{2}-\\d+$'
  ],
  ['x', { enum: ['low', 'high', 3] }, 'Must be one of low, high, 3.'],
  ['x', { const: 'y' }, 'Must be y.'],
  [[], { type: 'array', minItems: 1 }, 'At least 1 items.'],
  [[1, 2], { type: 'array', maxItems: 1 }, 'At most 1 items.'],
  [
    [1, 'x'],
    { type: 'array', items: { type: 'integer' } },
    'Item 2: must be a whole number.'
  ],
  [
    [{ to: 5 }],
    {
      type: 'array',
      items: { type: 'object', properties: { to: { type: 'string' } } }
    },
    'Item 1: to: must be a string.'
  ],
  [{}, { type: 'object', required: ['to'] }, 'Needs to.'],
  [
    { b: 1 },
    { type: 'object', properties: { a: {} }, additionalProperties: false },
    'There is no b.'
  ],
  [
    { b: 'x' },
    { type: 'object', additionalProperties: { type: 'integer' } },
    'b: must be a whole number.'
  ],
  [
    'x',
    { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
    'Must be a whole number.'
  ],
  [
    true,
    { anyOf: [{ type: 'integer' }, { type: 'string' }] },
    'Must be a whole number. Or: Must be a string.'
  ]
])('%j does not fit %j and is told why', (value, schema, problem) => {
  expect(misfit(value, schema)).toBe(problem);
});

test.each<[unknown, Schema]>([
  ['anything', {}],
  [3, { type: 'number', minimum: 1, maximum: 5 }],
  [1, { type: 'integer' }],
  ['é😀', { type: 'string', maxLength: 2 }],
  [null, { anyOf: [{ type: 'string' }, { type: 'null' }] }],
  ['high', { enum: ['low', 'high'] }],
  [[1, 2], { type: 'array', items: { type: 'integer' } }],
  [
    { a: 1, b: 'x' },
    { type: 'object', properties: { a: { type: 'integer' } } }
  ],
  [{ constructor: 1 }, { type: 'object', properties: {} }],
  ['x', { $ref: '#/$defs/Elsewhere' }],
  ['x', { type: 'string', pattern: '(?P<python>x)' }],
  // Patterns that could take forever are left to the kernel.
  ['a'.repeat(40) + '!', { type: 'string', pattern: '^(a+)+$' }],
  ['a'.repeat(40) + '!', { type: 'string', pattern: '^(a|a)*$' }],
  ['a'.repeat(40) + '!', { type: 'string', pattern: '(a*){30}$' }],
  ['a'.repeat(40), { type: 'string', pattern: `${'a?'.repeat(40)}b` }],
  ['a'.repeat(40), { type: 'string', pattern: '(a*)\\1\\1\\1b' }],
  ['a'.repeat(100_000), { type: 'string', pattern: 'a*b' }]
])('%j fits %j', (value, schema) => {
  expect(misfit(value, schema)).toBe('');
});

test('a text that is not JSON is reported as such', () => {
  const schema = { type: 'integer' };
  const number = param('n', '1', { isText: false, schema });
  const list = param('l', '[]', { isText: false, schema: { type: 'array' } });
  expect(problemOf('one', number)).toBe('Must be a number.');
  expect(problemOf('[1,', list)).toBe('This is not JSON.');
  expect(problemOf('abc', list)).toBe(
    'This is not JSON; a string needs quotes.'
  );
});
