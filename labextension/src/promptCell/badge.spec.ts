import { expect, test } from 'vitest';

import { continues, countTools, namedModel, naming } from './badge';

/** A source after a model was chosen for it. */
function chosen(source: string, model: string): string {
  const change = naming(source, model);
  return change
    ? source.slice(0, change.from) + change.insert + source.slice(change.to)
    : source;
}

test('the model of a prompt is the one that its first line names', () => {
  expect(namedModel('%%llm -m gpt-5 -c\nHi')?.model).toBe('gpt-5');
  expect(namedModel('%%llm --model "my own"\nHi')?.model).toBe('my own');
  expect(namedModel('%%llm -c\n-m gpt-5')).toBeNull();
  expect(namedModel('x = 1')).toBeNull();
});

test('choosing a model writes it into the first line, and leaves the rest alone', () => {
  expect(chosen('%%llm\nHi', 'gpt-5')).toBe('%%llm -m gpt-5\nHi');
  expect(chosen('%%llm -c -m old -u\nHi', 'new')).toBe(
    '%%llm -c -m new -u\nHi'
  );
  expect(chosen('\n%%llm -c\nHi', 'a b')).toBe('\n%%llm -m "a b" -c\nHi');
});

test('choosing none takes the name out', () => {
  expect(chosen('%%llm -c -m old -u\nHi', '')).toBe('%%llm -c -u\nHi');
  expect(chosen('%%llm\nHi', '')).toBe('%%llm\nHi');
  expect(chosen('x = 1', 'gpt-5')).toBe('x = 1');
});

test('a prompt that continues a conversation is answered by the model of that', () => {
  for (const options of ['-c', '--cid 01ab', '--continue', '-u -c']) {
    expect(continues(`%%llm ${options}\nHi`)).toBe(true);
  }
  expect(continues('%%llm --context 1\nHi')).toBe(false);
  expect(continues('%%llm -u\n-c')).toBe(false);
});

test('the tools that the first line offers are counted', () => {
  expect(countTools('%%llm -T query --tool Mail -m gpt-5\n-T no')).toBe(2);
  expect(countTools('%%llm -t greet\nHi')).toBe(0);
  expect(countTools('x = 1')).toBe(0);
});
