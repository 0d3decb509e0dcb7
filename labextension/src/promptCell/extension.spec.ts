import { closeBrackets, insertBracket } from '@codemirror/autocomplete';
import { markdown, markdownLanguage } from '@codemirror/lang-markdown';
import { python } from '@codemirror/lang-python';
import { forceParsing } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { afterEach, expect, test, vi } from 'vitest';

import type { IPromptWords } from './decorations';
import { type ILanguages, promptCell } from './extension';

const LANGUAGES: ILanguages = {
  markdown: markdown({ base: markdownLanguage }),
  python: python()
};
const WORDS: IPromptWords = {
  invitation: 'Ask.',
  noOption: (option, meant) => `No ${option}. ${meant}?`
};
const open: EditorView[] = [];

afterEach(() => {
  open.splice(0).forEach(view => view.destroy());
});

/** An editor of a code cell, as JupyterLab makes it for Python. */
function editorOf(
  doc: string,
  load = async (): Promise<ILanguages> => LANGUAGES
): EditorView {
  const extensions = [promptCell(load, WORDS, doc), python(), closeBrackets()];
  const view = new EditorView({
    state: EditorState.create({ doc, extensions }),
    parent: document.body
  });
  open.push(view);
  return view;
}

/**
 * Parse the whole text, and draw it so. The editor itself parses for some
 * milliseconds by the clock and goes on when the page is idle, and so how much
 * it has parsed at any moment depends on the machine.
 */
function parsed(view: EditorView): EditorView {
  forceParsing(view, view.state.doc.length, Infinity);
  return view;
}

/** An editor whose languages have arrived, and which has parsed its text. */
async function readyEditorOf(doc: string): Promise<EditorView> {
  const view = editorOf(doc);
  await new Promise(resolve => setTimeout(resolve));
  return parsed(view);
}

const classed = (view: EditorView, name: string): string[] =>
  [...view.contentDOM.querySelectorAll(`.llm-prompt-${name}`)].map(
    node => node.textContent
  );

const isPrompt = (view: EditorView): boolean =>
  view.dom.classList.contains('llm-prompt-cell');

const languageOf = (view: EditorView): string =>
  parsed(view)
    .state.languageDataAt<object>('commentTokens', view.state.doc.length)
    .map(tokens => JSON.stringify(tokens))[0] ?? '';

test('a prompt is Markdown below its options', async () => {
  const view = await readyEditorOf(
    '%%llm -m x\n---\n```python\nimport this\n```\nRows: {{ df.head() }}'
  );
  expect(classed(view, 'magic')).toEqual(['%%llm']);
  expect(classed(view, 'head')).toEqual(['%%llm -m x']);
  expect(classed(view, 'fence')).toEqual(['```python', 'import this', '```']);
  expect(classed(view, 'expr')).toEqual(['{{ df.head() }}']);
  expect(languageOf(view)).toContain('<!--');
});

test('a cell of Python stays one, and needs no languages', async () => {
  const load = vi.fn(async () => LANGUAGES);
  const view = editorOf('# %%\nx = {{1}}', load);
  await Promise.resolve();
  expect(load).not.toHaveBeenCalled();
  expect(isPrompt(view)).toBe(false);
  expect(view.contentDOM.querySelector('[class^=llm-]')).toBeNull();
});

test('the mode follows what is typed, in both directions', async () => {
  const view = await readyEditorOf('%llm\nhello');
  expect(isPrompt(view)).toBe(false);
  view.dispatch({ changes: { from: 0, insert: '%' } });
  expect(isPrompt(view)).toBe(true);
  expect(languageOf(view)).toContain('<!--');
  view.dispatch({ changes: { from: 0, to: 1 } });
  expect(isPrompt(view)).toBe(false);
  expect(languageOf(view)).toContain('#');
});

test('a prompt that is typed into an empty cell loads its languages', async () => {
  const view = editorOf('');
  view.dispatch({ changes: { from: 0, insert: '%%llm\nHi {{ x }}' } });
  await new Promise(resolve => setTimeout(resolve));
  expect(languageOf(view)).toContain('<!--');
});

test('nobody closes brackets in a prompt', async () => {
  const prompt = await readyEditorOf('%%llm\n');
  const code = await readyEditorOf('');
  const at = (view: EditorView): EditorState =>
    view.state.update({ selection: { anchor: view.state.doc.length } }).state;
  expect(insertBracket(at(prompt), '(')).toBeNull();
  expect(insertBracket(at(code), '(')).not.toBeNull();
});

test('the line of a magic in Python is coloured, but not in a string', async () => {
  const view = await readyEditorOf(
    'n = 1\n%llm -m x Is {{ n }} for?\ns = """\n%llm\n"""'
  );
  expect(classed(view, 'magic')).toEqual(['%llm']);
  expect(classed(view, 'text').join('')).toBe(' Is {{ n }} for?');
  expect(classed(view, 'expr')).toEqual(['{{ n }}']);
});

test('an empty prompt says what to do, until something is typed', async () => {
  const view = await readyEditorOf('%%llm\n');
  expect(classed(view, 'ghost')).toEqual(['Ask.']);
  view.dispatch({ changes: { from: 6, insert: 'H' } });
  expect(classed(view, 'ghost')).toEqual([]);
});

test('--raw leaves double braces alone', async () => {
  const view = await readyEditorOf('%%llm --raw\n{{ x }}');
  expect(classed(view, 'expr')).toEqual([]);
});

test('an editor that is closed before its languages arrive stays closed', async () => {
  const view = editorOf('%%llm\n');
  view.destroy();
  open.length = 0;
  await new Promise(resolve => setTimeout(resolve));
  expect(view.dom.isConnected).toBe(false);
});

test('an option that there is not is underlined, and says which may be meant', () => {
  const view = editorOf('%%llm -m x --nothing --schem-multi "name"\nHi');
  expect(classed(view, 'wrong')).toEqual(['--nothing', '--schem-multi']);
  const [, wrong] = view.contentDOM.querySelectorAll('.llm-prompt-wrong');
  expect(wrong.getAttribute('title')).toBe('No --schem-multi. --schema-multi?');
});

test('in Python, too, and what is meant is found there', () => {
  const view = editorOf('x = 1\ny = %llm --modle x Hi');
  const [wrong] = view.contentDOM.querySelectorAll('.llm-prompt-wrong');
  expect(wrong.textContent).toBe('--modle');
  expect(wrong.getAttribute('title')).toBe('No --modle. --model?');
});

test('a very long word is underlined at once, and not repeated', () => {
  const view = editorOf(`%%llm --${'a'.repeat(1_000_000)} x\nHi`);
  const [wrong] = view.contentDOM.querySelectorAll('.llm-prompt-wrong');
  expect(wrong.hasAttribute('title')).toBe(false);
});
