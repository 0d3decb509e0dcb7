import { expect, test } from 'vitest';

import type { IQuote } from './sources';
import { asCode, asPrompt, isPrompt, promptAbout, shortened } from './sources';

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
  const cell = quote('The cell:', '"""\n````\n"""\n', 'python');
  const output = quote('Its output:', '\n ', '');
  expect(promptAbout([cell, output])).toBe(
    '%%llm\n\n\nThe cell:\n`````python\n"""\n````\n"""\n`````'
  );
});

test('double braces of a cell are sent as they are', () => {
  const cell = quote('The cell:', "f'{{x}}'", 'python');
  expect(promptAbout([cell])).toMatch(/^%%llm --raw\n/);
});

test('of a long output the beginning and the end are kept, and whole characters', () => {
  const leftOut = (count: number): string => `[${count}]`;
  expect(shortened('😀'.repeat(4000), leftOut)).toBe('😀'.repeat(4000));
  const text = 'a' + '😀'.repeat(5000) + 'z';
  const parts = shortened(text, leftOut).split('\n');
  expect(parts).toEqual([
    'a' + '😀'.repeat(1999),
    '[1002]',
    '😀'.repeat(1999) + 'z'
  ]);
});
