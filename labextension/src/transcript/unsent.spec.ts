import { expect, test } from 'vitest';

import { unsentRow } from './unsent';

test('a prompt that was not sent says what it would ask, as text', () => {
  const node = unsentRow('m', {
    asks: [
      { name: 'system', text: 'Be brief' },
      { name: 'prompt', text: '<b>Why?</b>' }
    ],
    reads: ['.text()', 'for chunk in response']
  });
  expect(node.textContent).toContain(
    'Not sent yet to m. Reading it sends it: .text(), or for chunk in response.'
  );
  expect([...node.querySelectorAll('th')].map(one => one.textContent)).toEqual([
    'system',
    'prompt'
  ]);
  expect(node.querySelectorAll('td')[1].textContent).toBe('<b>Why?</b>');
  expect(node.querySelector('td b')).toBeNull();
});

test('a prompt without anything to say has no table', () => {
  const node = unsentRow('m', { asks: [], reads: ['.text()'] });
  expect(node.querySelector('table')).toBeNull();
});
