/**
 * Collects the cells of a notebook for the kernel, where a prompt asks for
 * them.
 *
 * They go with the request that runs the cell, so they are what the reader sees
 * at that moment: unsaved ones too, in the order of the page. A server closes
 * the connection over a message that is too long, so the total size is bounded,
 * and what is nearest to the cell that asks comes first.
 */

import type { ICellModel, ICodeCellModel } from '@jupyterlab/cells';

import { MIME_TYPE } from '../../transcript';

/** An output as it is sent. A `transcript` is one of ours, which the kernel knows by its id. */
interface ISentOutput {
  transcript?: string;
  error?: string;
  data?: Record<string, string>;
  /** The MIME type of an output without text. */
  other?: string;
  /** The full length of the text, where it is cut. */
  length?: number;
}

/** A cell of the notebook as it is sent to the kernel. */
export interface ISentCell {
  id: string;
  type: string;
  source: string;
  /** The full length of the source, where it is cut. */
  length?: number;
  number: number | null;
  tags: string[];
  outputs: ISentOutput[];
}

/** An output as notebook files have it. */
type Output = Record<string, unknown>;

const LONGEST_TEXT = 100_000;
/** JSON in UTF-8 may take three times as many bytes, and servers take 10 MB. */
const MOST_CHARACTERS = 3_000_000;
const PICTURES = ['image/png', 'image/jpeg'];
const TEXTS = ['text/markdown', 'text/plain', 'text/html'];

const HIDE_TAG = 'llm-hide';
const HIDES = /^[ \t]*#[ \t]*llm:[ \t]*hide\b|<!--[ \t]*llm:[ \t]*hide\b/im;

/** A line that asks a model, and may assign the answer. */
const PROMPT = /^[ \t]*(?:[\w.,[\]'"][\w.,[\]'" ]*=\s*)?%%?llm\b/m;

/** Whether the code of a request asks for the cells of its notebook. */
export function asksForCells(code: string): boolean {
  const at = code.search(PROMPT);
  return at >= 0 && /--context\b/.test(code.slice(at));
}

/** Whether the code of a request asks a model. */
export function asksModel(code: string): boolean {
  return /%%?llm\b/.test(code);
}

/**
 * Return all cells of a notebook.
 *
 * @param cells the cells, in order.
 * @param asking the id of the cell that asks.
 */
export function collectCells(
  cells: Iterable<ICellModel>,
  asking: string
): ISentCell[] {
  const models = [...cells];
  const here = models.findIndex(({ id }) => id === asking);
  const room = new Budget(MOST_CHARACTERS);
  const told = new Map<ICellModel, ISentCell>();
  // The texts of the cells come first, because outputs say little without them.
  const order = [
    ...models.slice(0, Math.max(0, here)).reverse(),
    ...models.slice(Math.max(0, here))
  ];
  for (const model of order) {
    told.set(model, {
      id: model.id,
      type: model.type,
      ...sourceOf(model, room),
      number: isCodeCellModel(model) ? model.executionCount : null,
      outputs: []
    });
  }
  for (const model of order) {
    if (isCodeCellModel(model) && model.id !== asking) {
      told.get(model)!.outputs = model.outputs
        .toJSON()
        .map(output => describeOutput(output as Output, room));
    }
  }
  return models.map(model => told.get(model)!);
}

/** The text of a cell, as much as there is room for, and its tags. */
function sourceOf(
  model: ICellModel,
  room: Budget
): Pick<ISentCell, 'source' | 'length' | 'tags'> {
  const whole = model.sharedModel.getSource();
  const source = room.take(whole);
  const tags = tagsOf(model);
  if (source.length === whole.length) {
    return { source, tags };
  }
  // The line that hides the cell may be in what is cut off.
  const hidden = HIDES.test(whole) ? [HIDE_TAG] : [];
  return { source, length: whole.length, tags: [...tags, ...hidden] };
}

function isCodeCellModel(model: ICellModel): model is ICodeCellModel {
  return model.type === 'code';
}

function tagsOf(model: ICellModel): string[] {
  const tags = model.getMetadata('tags') as unknown;
  return Array.isArray(tags)
    ? tags.filter((tag): tag is string => typeof tag === 'string')
    : [];
}

/** Counts how many characters may still be sent. */
class Budget {
  constructor(private left: number) {}

  /** Return as much of the beginning of a text as there is room for. */
  take(text: string): string {
    const taken = text.slice(0, Math.min(LONGEST_TEXT, this.left));
    this.left -= taken.length;
    return taken;
  }

  /** Whether there is room for something that cannot be cut. */
  has(size: number): boolean {
    const fits = size <= this.left;
    this.left -= fits ? size : 0;
    return fits;
  }
}

function describeOutput(output: Output, room: Budget): ISentOutput {
  if (output.output_type === 'stream') {
    return cut(joined(output.text), room, text => ({
      data: { 'text/plain': text }
    }));
  }
  if (output.output_type === 'error') {
    const { ename, evalue, traceback } = output;
    const lines = Array.isArray(traceback) ? traceback.join('\n') : '';
    const said = `${String(ename)}: ${String(evalue)}`;
    return cut(lines || said, room, error => ({ error }));
  }
  const data = (output.data ?? {}) as Record<string, unknown>;
  const transcript = data[MIME_TYPE] as { id?: unknown } | undefined;
  if (typeof transcript?.id === 'string') {
    return { transcript: transcript.id };
  }
  const picture = PICTURES.find(type => type in data);
  if (picture) {
    const content = joined(data[picture]).trim();
    return room.has(content.length)
      ? { data: { [picture]: content } }
      : { other: 'a figure that is too large' };
  }
  const text = TEXTS.find(type => type in data);
  const [first = 'an output'] = Object.keys(data);
  if (!text || 'application/vnd.jupyter.widget-view+json' in data) {
    return {
      other: first === 'text/plain' ? Object.keys(data)[1] : first
    };
  }
  return cut(joined(data[text]), room, kept => ({ data: { [text]: kept } }));
}

function cut(
  text: string,
  room: Budget,
  told: (kept: string) => ISentOutput
): ISentOutput {
  const kept = room.take(text);
  return {
    ...told(kept),
    ...(kept.length < text.length && { length: text.length })
  };
}

function joined(text: unknown): string {
  return Array.isArray(text) ? text.join('') : String(text ?? '');
}
