/** Colours what Markdown and Python don't know in a prompt: the options, fenced code, and `{{ expression }}`. */

import {
  highlightingFor,
  syntaxTree,
  type LanguageSupport
} from '@codemirror/language';
import { type EditorState, type Extension, Prec } from '@codemirror/state';
import {
  Decoration,
  type DecorationSet,
  EditorView,
  ViewPlugin,
  type ViewUpdate,
  WidgetType
} from '@codemirror/view';
import type { Parser } from '@lezer/common';
import { highlightTree, type Tag } from '@lezer/highlight';

import { expressionsIn } from './expressions';
import { headOf, lineMagicIn, readFirstLine, type IToken } from './firstLine';
import { nearestOption } from './options';

/** What a prompt says by itself. */
export interface IPromptWords {
  /** What an empty prompt says. */
  invitation: string;
  /** That there is no such option. `meant` is the one that is most like it; empty if none is. */
  noOption(option: string, meant: string): string;
}

const CLASSES: Record<IToken['kind'], string> = {
  magic: 'llm-prompt-magic',
  option: 'llm-prompt-opt',
  wrong: 'llm-prompt-opt llm-prompt-wrong',
  value: 'llm-prompt-val',
  variable: 'llm-prompt-var',
  string: 'llm-prompt-str'
};
/** What is longer was not meant as an option, and is not repeated. */
const LONGEST_OPTION = 100;

const HEAD = Decoration.line({ class: 'llm-prompt-head' });
const FENCE = Decoration.line({ class: 'llm-prompt-fence' });
const FENCE_MARK = Decoration.mark({ class: 'llm-prompt-fence-mark' });
const EXPRESSION = Decoration.mark({ class: 'llm-prompt-expr' });
const BRACE = Decoration.mark({ class: 'llm-prompt-brace' });
const TEXT = Decoration.mark({ class: 'llm-prompt-text' });

/** The invitation that an empty prompt shows where its question is to be typed. */
class InvitationWidget extends WidgetType {
  constructor(private readonly text: string) {
    super();
  }

  override eq(other: InvitationWidget): boolean {
    return other.text === this.text;
  }

  override toDOM(): HTMLElement {
    const ghost = document.createElement('span');
    ghost.className = 'llm-prompt-ghost';
    ghost.textContent = this.text;
    return ghost;
  }
}

interface IPiece {
  from: number;
  to: number;
  decoration: Decoration;
}

/**
 * The decorations of a cell.
 *
 * @param python the language of expressions; null until it is loaded.
 * @param words what a prompt says by itself.
 */
export function promptDecorations(
  python: LanguageSupport | null,
  words: IPromptWords
): Extension {
  const parser = python?.language.parser ?? null;
  const plugin = ViewPlugin.fromClass(
    class {
      decorations: DecorationSet;

      constructor(view: EditorView) {
        this.decorations = decorate(view, parser, words);
      }

      update(update: ViewUpdate): void {
        const isParsedFurther =
          syntaxTree(update.startState) !== syntaxTree(update.state);
        if (update.docChanged || update.viewportChanged || isParsedFurther) {
          this.decorations = decorate(update.view, parser, words);
        }
      }
    },
    { decorations: plugin => plugin.decorations }
  );
  // Marks with a higher precedence are drawn inside the others, so theirs are the colours that show.
  return Prec.highest(plugin);
}

function decorate(
  view: EditorView,
  python: Parser | null,
  words: IPromptWords
): DecorationSet {
  const source = view.state.doc.toString();
  const head = headOf(source);
  const pieces =
    head === null
      ? linePieces(view, python, words)
      : [
          ...cellPieces(view, source, head, python, words),
          ...fencePieces(view),
          ...ghostPieces(source, head.to, words.invitation)
        ];
  return setOf(pieces);
}

/** Make a set of decorations, in the order that CodeMirror requires for lines and marks that begin at the same place. */
function setOf(pieces: IPiece[]): DecorationSet {
  return Decoration.set(
    pieces.map(({ from, to, decoration }) => decoration.range(from, to)),
    true
  );
}

function cellPieces(
  view: EditorView,
  source: string,
  head: { from: number; to: number },
  python: Parser | null,
  words: IPromptWords
): IPiece[] {
  const line = readFirstLine(source.slice(head.from, head.to), head.from);
  const pieces = tokenPieces(line.tokens, source, words);
  if (head.to < source.length) {
    const last = view.state.doc.lineAt(head.to);
    pieces.push({ from: last.from, to: last.from, decoration: HEAD });
  }
  if (!line.isRaw) {
    const prompt = source.slice(line.end);
    pieces.push(...expressionPieces(view, prompt, line.end, python));
  }
  return pieces;
}

/** The `%llm` lines of a Python cell, whose prompts are not Python. */
function linePieces(
  view: EditorView,
  python: Parser | null,
  words: IPromptWords
): IPiece[] {
  const { state } = view;
  const pieces: IPiece[] = [];
  for (const visible of view.visibleRanges) {
    for (let at = visible.from; at <= visible.to;) {
      const line = state.doc.lineAt(at);
      at = line.to + 1;
      const offset = lineMagicIn(line.text);
      if (offset < 0 || isInString(state, line.from + offset)) {
        continue;
      }
      const from = line.from + offset;
      const read = readFirstLine(line.text.slice(offset), from);
      if (read.end < line.to) {
        pieces.push({ from: read.end, to: line.to, decoration: TEXT });
      }
      const text = line.text;
      pieces.push(...tokenPieces(read.tokens, text, words, line.from));
      if (!read.isRaw) {
        const prompt = state.sliceDoc(read.end, line.to);
        pieces.push(...expressionPieces(view, prompt, read.end, python));
      }
    }
  }
  return pieces;
}

function isInString(state: EditorState, position: number): boolean {
  return /String/.test(syntaxTree(state).resolveInner(position, 1).name);
}

/** The colours of the words of a first line. `start` is where `text` begins in the cell. */
const tokenPieces = (
  tokens: IToken[],
  text: string,
  words: IPromptWords,
  start = 0
): IPiece[] =>
  tokens.map(({ from, to, kind }) => {
    const option = text.slice(from - start, to - start);
    const attributes: Record<string, string> =
      kind === 'wrong' && option.length < LONGEST_OPTION
        ? { title: words.noOption(option, nearestOption(option)) }
        : {};
    const decoration = Decoration.mark({ class: CLASSES[kind], attributes });
    return { from, to, decoration };
  });

/** The expressions in a text that begins at an offset of the cell. Those out of sight are left for later. */
function expressionPieces(
  { state, viewport }: EditorView,
  text: string,
  offset: number,
  python: Parser | null
): IPiece[] {
  const pieces: IPiece[] = [];
  const highlighter = {
    style: (tags: readonly Tag[]) => highlightingFor(state, tags)
  };
  for (const found of expressionsIn(text)) {
    const from = offset + found.from;
    const to = offset + found.to;
    if (to < viewport.from || from > viewport.to) {
      continue;
    }
    const start = from + 2;
    const end = to - 2;
    pieces.push(
      { from, to, decoration: EXPRESSION },
      { from, to: start, decoration: BRACE },
      { from: end, to, decoration: BRACE }
    );
    if (python && start < end) {
      const tree = python.parse(state.sliceDoc(start, end));
      highlightTree(tree, highlighter, (first, last, classes) => {
        const decoration = Decoration.mark({ class: classes });
        pieces.push({ from: start + first, to: start + last, decoration });
      });
    }
  }
  return pieces;
}

function fencePieces(view: EditorView): IPiece[] {
  const { state } = view;
  const pieces: IPiece[] = [];
  const fenced = new Set<number>();
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(state).iterate({
      from,
      to,
      enter: node => {
        if (node.name === 'FencedCode') {
          for (let at = node.from; at <= node.to;) {
            const line = state.doc.lineAt(at);
            fenced.add(line.from);
            at = line.to + 1;
          }
        } else if (node.name === 'CodeMark' || node.name === 'CodeInfo') {
          const decoration = FENCE_MARK;
          pieces.push({ from: node.from, to: node.to, decoration });
        }
      }
    });
  }
  const lines = [...fenced].map(at => ({
    from: at,
    to: at,
    decoration: FENCE
  }));
  return [...pieces, ...lines];
}

/** The invitation stands in the first line of the prompt, as long as that is empty. */
function ghostPieces(source: string, end: number, text: string): IPiece[] {
  const at = end + 1;
  if (at > source.length || (source[at] ?? '\n') !== '\n') {
    return [];
  }
  const widget = new InvitationWidget(text);
  return [
    { from: at, to: at, decoration: Decoration.widget({ widget, side: 1 }) }
  ];
}
