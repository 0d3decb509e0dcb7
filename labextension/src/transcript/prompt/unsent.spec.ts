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

test('a dry run says that nothing was sent, and copies what would be', () => {
  const copied: string[] = [];
  const node = unsentRow(
    'm',
    {
      asks: [{ name: 'user', text: 'Why?', size: '290 tokens' }],
      reads: [],
      estimate: 'about 290 tokens in, about $0.0009',
      exact: '{"model":"m"}'
    },
    { copy: text => copied.push(text) }
  );
  expect(node.querySelector('.llm-head')!.textContent).toBe(
    'Dry run: nothing was sent. m, about 290 tokens in, about $0.0009Copy as JSON'
  );
  expect(node.querySelector('th small')!.textContent).toBe('290 tokens');
  node.querySelector('button')!.click();
  expect(copied).toEqual(['{"model":"m"}']);
  expect(node.textContent).not.toContain('Not sent yet');
});
