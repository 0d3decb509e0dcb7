/** Colours code: the few kinds of words that the style sheet has colours for. */

import createDOMPurify from 'dompurify';
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import diff from 'highlight.js/lib/languages/diff';
import ini from 'highlight.js/lib/languages/ini';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import julia from 'highlight.js/lib/languages/julia';
import markdown from 'highlight.js/lib/languages/markdown';
import python from 'highlight.js/lib/languages/python';
import r from 'highlight.js/lib/languages/r';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

import css from './css';

const LANGUAGES = {
  bash,
  css,
  diff,
  ini,
  javascript,
  json,
  julia,
  markdown,
  python,
  r,
  sql,
  typescript,
  xml,
  yaml
};

/** Other names for languages that models write on a fence. */
const OTHER_NAMES: Record<string, string> = {
  console: 'bash',
  ipython: 'python',
  jsonc: 'json',
  python3: 'python',
  postgresql: 'sql',
  sqlite: 'sql'
};

const COLOURS: Record<string, string> = {
  'hljs-keyword': 'llm-k',
  'hljs-literal': 'llm-k',
  'hljs-selector-tag': 'llm-k',
  'hljs-name': 'llm-k',
  'hljs-section': 'llm-k',
  'hljs-string': 'llm-s',
  'hljs-regexp': 'llm-s',
  'hljs-char': 'llm-s',
  'hljs-addition': 'llm-n',
  'hljs-deletion': 'llm-s',
  'hljs-comment': 'llm-c',
  'hljs-quote': 'llm-c',
  'hljs-number': 'llm-n',
  'hljs-bullet': 'llm-n'
};

/**
 * How many characters are coloured at a time. The time that this takes grows
 * faster than the code, for some languages with its square.
 */
const PIECE = 4000;

/** What a line costs beside its characters, in characters: short lines have more to colour than long ones. */
const LINE = 30;

/** Code with a longer line is data, and has no colours. */
const LONGEST_LINE = 500;

/** What begins or ends something that may go over many lines. Code is not cut inside of it. */
const LONG_THINGS: Record<string, RegExp> = {
  css: /\/\*|\*\//g,
  javascript: /`|\/\*|\*\//g,
  julia: /"""/g,
  python: /"""|'''/g,
  sql: /\/\*|\*\//g,
  typescript: /`|\/\*|\*\//g,
  xml: /<!--|-->/g
};

for (const [name, language] of Object.entries(LANGUAGES)) {
  hljs.registerLanguage(name, language);
}

const purifier = createDOMPurify(window);

function nameOf(language: string): string {
  return OTHER_NAMES[language] ?? language;
}

/** Cut code into pieces that can be coloured one by one, if the language is known: before lines that are not indented. */
export function cutCode(code: string, language: string): string[] {
  const name = nameOf(language);
  if (!name || !hljs.getLanguage(name)) {
    return [code];
  }
  const marks = LONG_THINGS[name] ?? /(?!)/g;
  const pieces: string[] = [];
  let piece = '';
  let cost = 0;
  let open = 0;
  for (const line of code.split(/(?<=\n)/)) {
    const canCut = open % 2 === 0 && /^\S/.test(line);
    const isLong =
      cost > PIECE / 2
        ? canCut && (/\n\n$/.test(piece) || cost > (PIECE * 3) / 4)
        : false;
    const own = line.length + LINE;
    if (piece && (isLong || cost + own > PIECE)) {
      pieces.push(piece);
      piece = '';
      cost = 0;
    }
    piece += line;
    cost += own;
    open += line.length > LONGEST_LINE ? 0 : (line.match(marks)?.length ?? 0);
  }
  return [...pieces, piece];
}

/** A piece of code in colours; null if it has none. */
export function highlight(code: string, language: string): Node[] | null {
  const name = nameOf(language);
  const isKnown = name && hljs.getLanguage(name);
  if (
    !isKnown ||
    code.length > PIECE ||
    code.split('\n').some(line => line.length > LONGEST_LINE)
  ) {
    return null;
  }
  const marked = hljs.highlight(code, {
    language: name,
    ignoreIllegals: true
  });
  const body = purifier.sanitize(marked.value, {
    ALLOWED_TAGS: ['span'],
    ALLOWED_ATTR: ['class'],
    RETURN_DOM: true
  }) as HTMLElement;
  if (body.textContent !== code) {
    // Colours are not worth a wrong character.
    return null;
  }
  for (const span of Array.from(body.querySelectorAll('span'))) {
    const colour = COLOURS[span.className.split(' ')[0]];
    if (colour) {
      span.className = colour;
    } else {
      span.replaceWith(...Array.from(span.childNodes));
    }
  }
  return Array.from(body.childNodes);
}
