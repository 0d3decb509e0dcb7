import MarkdownIt from 'markdown-it';
import { expect, test } from 'vitest';

import { decodeHTMLStrict } from './entities';

test('entities of HTML are decoded, and nothing else is', () => {
  for (const [entity, text] of [
    ['&auml;', 'ä'],
    ['&NotEqualTilde;', '≂̸'],
    ['&semi;', ';'],
    ['&nbsp;', '\u00a0'],
    ['&nosuch;', '&nosuch;'],
    // A browser knows `&not` without its semicolon.
    ['&notit;', '&notit;']
  ]) {
    expect(decodeHTMLStrict(entity)).toBe(text);
  }
});

test('the parser decodes with it, and what is decoded stays text', () => {
  const html = new MarkdownIt().render(
    '&lt;b&gt; &copy; &notit; &#65; &amp;lt;'
  );
  expect(html).toBe('<p>&lt;b&gt; © &amp;notit; A &amp;lt;</p>\n');
});
