// @vitest-environment node

import { expect, test } from 'vitest';

import type { IQuote } from './promptText';
import { asCode, asPrompt, isPrompt, promptAbout } from './promptText';

const quote = (title: string, text: string, language: string): IQuote => ({
  title,
  text,
  language
});

test('a cell becomes a prompt and its text comes back as it was', () => {
  for (const source of [
    '',
    'x = 1',
    '\n\nx',
    '# a\r\n',
    '%llm hi',
    '%%time\nx'
  ]) {
    const prompt = asPrompt(source);
    expect(isPrompt(prompt)).toBe(true);
    expect(asPrompt(prompt)).toBe(prompt);
    expect(asCode(prompt)).toEqual({ source, head: '%%llm' });
  }
});

test('the options of a prompt are kept beside its text', () => {
  const prompt = '\n%%llm -m gpt-5 \\\n  -c\nWhy?';
  const { source, head } = asCode(prompt);
  expect([source, head]).toEqual(['Why?', '%%llm -m gpt-5 \\\n  -c']);
  expect(asPrompt(source, head)).toBe(prompt.trimStart());
  expect(asCode('%%llm')).toEqual({ source: '', head: '%%llm' });
  expect(asCode('x')).toEqual({ source: 'x', head: '' });
});

test('what a prompt is about stands below its question, in fences that its text cannot close', () => {
  const text = '"""\n````\n"""\n';
  expect(promptAbout(quote('From the cell:', text, 'python'))).toBe(
    '%%llm\n\n\nFrom the cell:\n`````python\n"""\n````\n"""\n`````'
  );
});

test('double braces of a cell are sent as they are', () => {
  const cell = quote('The cell:', "f'{{x}}'", 'python');
  expect(promptAbout(cell)).toMatch(/^%%llm --raw\n/);
});
