// @vitest-environment node

import { expect, test } from 'vitest';

import { expressionsIn } from './expressions';

const found = (text: string): string[] =>
  expressionsIn(text).map(({ from, to }) => text.slice(from, to));

test.each([
  ['The rows: {{ df.head() }}.', ['{{ df.head() }}']],
  ['{{ a }}{{ b }}', ['{{ a }}', '{{ b }}']],
  ['{{ {1: 2}}}', ['{{ {1: 2}}}']],
  ['{{ "}}" }} x', ['{{ "}}" }}']],
  ['{"a": {{x}}}', ['{{x}}']],
  ['{{ f(\n  1) }}', ['{{ f(\n  1) }}']],
  ['{{ not python }}', ['{{ not python }}']],
  ["{{ don't }} }}", ["{{ don't }}"]],
  ['{{ open', []],
  ['{ one }', []]
])('the expressions of %j', (text, expected) => {
  expect(found(text)).toEqual(expected);
});

test('brackets and quotes without end are looked through in linear time', () => {
  for (const unit of ['{{ ( }}', "{{ ' }}", '{{', '{{ {', '{{ "\\']) {
    const text = unit.repeat(20_000) + '}}';
    expect(expressionsIn(text).length).toBeGreaterThan(0);
  }
});
