/**
 * The contract with the kernel: the document that describes one turn of a
 * conversation, the deltas that change it, and the messages in both directions.
 *
 * `llm_notebook/transcript/document.py` writes the document, and notebooks
 * store it: fields may be added, but not renamed or given another meaning. A
 * field marked "hostile" holds text from a model or a tool, which may try to
 * pass for a part of the interface. `card/` and `calls/` draw such text with
 * its hidden characters written out, and `answer/` sanitises it.
 */

import type { ICallBlock, Scope } from './calls';
import type { IJob } from './job';
import type { IOverview } from './overview';
import type { IPanelAnswer, IPanelQuestion } from './panel';
import type { ISent } from './sent';

export type {
  CallStatus,
  ICallBlock,
  IDecision,
  IParam,
  IRequest,
  Scope
} from './calls';
export type { ISent, ISentRow } from './sent';

/** The MIME type under which an output holds a transcript. */
export const MIME_TYPE = 'application/vnd.llm-notebook.transcript+json';

/** One turn of a conversation: a prompt, and all that followed until the turn ended. */
export interface ITranscript {
  version: 1;
  /** Identifies the turn: the live view, the saved record and a reloaded page all use the same id. */
  id: string;
  /** The number of the last delta that is included. */
  seq: number;
  model: string;
  state:
    | 'unsent'
    | 'waiting'
    | 'streaming'
    | 'paused'
    | 'done'
    | 'interrupted'
    | 'failed';
  /** How long the turn took, or has taken so far. */
  seconds: number;
  /** When the turn began, in ISO 8601 with an offset. */
  began?: string;
  /** Why nothing is arriving, such as a retry; `seconds` is the time until the next attempt. */
  notice?: { text: string; detail?: string; seconds?: number } | null;
  blocks: Block[];
  /** The sources that the answer names, by their numbers from 1 on: hostile. */
  sources?: ISource[];
  /** What went with the prompt, shown above the answer. */
  sent?: ISent[];
  /** Our own sentences for the reader, shown below the answer as plain text. */
  remarks?: string[];
  error?: IProblem | null;
  /** The cell that the answer proposes in place of one that failed. Nothing runs it by itself. */
  proposal?: IProposal | null;
  /** The run over rows that is shown in place of one answer. */
  job?: IJob | null;
  /** Set where Python shows a prompt that was not sent: what it would send, and what reads its answer. */
  unsent?: IUnsent | null;
  /** Set where the turn stopped after as many answers in a row as it may have; `calls` were asked for and have not run. */
  limit?: { answers: number; calls: number } | null;
  /** Whether the answer ended at the token limit, so that its end is missing. */
  cut?: boolean;
  /** Model, tokens and time, shown at the foot. Unknown facts are left out. */
  footer?: string[] | null;
  hideReasoning?: boolean;
  /** Whether tool calls are shown unfolded. */
  showCalls?: boolean;
  /** Whether the cell is still running and asks by keyboard, so that a click would come too late. */
  byKeyboard?: boolean;
  /** The ids of cells that were queued behind this one and were skipped because it asked; those that have run since are left out. */
  heldUp?: string[];
}

/** A cell that the answer proposes in place of another. */
export interface IProposal {
  /** Our own words about it. */
  note: string;
  /** The whole cell, as the model wrote it: hostile. */
  code: string;
  /** The difference from the cell that failed, line by line. */
  lines: { sign: ' ' | '-' | '+'; text: string }[];
}

/** A prompt that was not sent. */
export interface IUnsent {
  /** What it would send. Of a dry run, `size` says about how large each part is. */
  asks: { name: string; text: string; size?: string }[];
  /** Lines of Python that send it. */
  reads: string[];
  /** Of a dry run: about how much it would send. */
  estimate?: string;
  /** Of a dry run: what would be sent, byte for byte; empty if it is too long to be kept. */
  exact?: string;
}

/** Why the turn failed, or was not sent. */
export interface IProblem {
  kind: 'key' | 'model' | 'network' | 'limit' | 'error';
  title: string;
  /** It may quote a server or a model: hostile. */
  text: string;
  ways?: IWay[];
  /** Whether the same can be asked again. */
  canStartOver?: boolean;
  /** Whether the answer is complete, so that there is nothing to continue. */
  complete?: boolean;
}

/** What the reader can do about a problem: a line to type, or where the kernel listens, a button. */
export interface IWay {
  code: string;
  text: string;
  /** What the button says. */
  label?: string;
  /** It asks for a key, to be stored under this name. */
  key?: string;
  /** It asks this model instead. */
  model?: string;
  /** It installs the small local model. */
  installs?: boolean;
}

/** A source of the answer. Its title comes from a provider: hostile. */
export interface ISource {
  title: string;
  /** An http or https address; empty if the source has none that can be a link. */
  url: string;
  host: string;
}

/** A part of the answer, in the order in which the parts began. */
export type Block =
  ITextBlock | IReasoningBlock | ICallBlock | IPictureBlock | ITableBlock;

/** A text of the answer. */
export interface ITextBlock {
  kind: 'text';
  /** The model's Markdown: hostile. */
  text: string;
  /** Set where it is drawn as code, or as it is, and not as Markdown. */
  look?: 'code' | 'text';
  /** The language of the code. */
  language?: string;
  /** The answer as it came, if only a part of it is shown: hostile. */
  raw?: IRaw;
  plain?: ITextRange | null;
}

/** Text of a model that is shown in a fold; `hidden` characters at its end are not kept: hostile. */
export interface IRaw {
  text: string;
  hidden?: number;
}

/** What stands in a cell of a table; null where the value is missing: hostile. */
export type Cell = string | null;

/** An answer of rows. */
export interface ITableBlock {
  kind: 'table';
  /** `dtype` is what pandas calls the type; `number` says that the values are aligned at the right. */
  columns: { name: string; dtype: string; number: boolean }[];
  /** What stands before the first rows, where that is not their number: hostile. */
  labels?: string[];
  /** How many columns are not shown. */
  moreColumns?: number;
  /** The first rows, and the latest that are not among them. */
  head: Cell[][];
  tail: Cell[][];
  /** How many rows there are. */
  count: number;
  /** Their outcome, with names in backticks; absent while they arrive. */
  said?: string;
  /** The row that does not fit, and which cell of it, if it is one. */
  misfit?: { cells: Cell[]; column: number | null };
  raw?: IRaw;
}

/**
 * Where the plain text of the same output holds the text of a block. It is set
 * only in the notebook file, if the answer is so long that it is kept once;
 * `text` is empty then.
 */
export interface ITextRange {
  start: number;
  length: number;
}

/** A picture, or another file, that the model has made. */
export interface IPictureBlock {
  kind: 'picture';
  /** Who made it, its size, and what the notebook keeps of it. */
  caption: string;
  /** The MIME type of `data`. */
  type?: string;
  /** The picture in base64, or a smaller copy of it; absent if it is not kept here. */
  data?: string;
  /** Where it is, if it is not here. It is not loaded by itself. */
  url?: string;
}

/** What the model thought before it answered: hostile. */
export interface IReasoningBlock {
  kind: 'reasoning';
  text: string;
  plain?: ITextRange | null;
  /** How long it took; absent while the model is still thinking. */
  seconds?: number;
}

/** A change to a transcript. Each delta's `seq` is one more than that of the delta before it. */
export interface IDelta {
  type: 'delta';
  id: string;
  seq: number;
  ops: Op[];
}

/** One step of a change to a transcript. */
export type Op =
  | { op: 'append'; block: number; text: string }
  /** Further rows of a table: those that belong to its first ones, and the latest. */
  | { op: 'rows'; block: number; count: number; head: Cell[][]; tail: Cell[][] }
  | { op: 'block'; block: number; value: Block }
  | { op: 'set'; fields: Partial<ITranscript> };

/** A message from the kernel. */
export type FromKernel =
  | IDelta
  /** The whole document. `version` is that of the package in the kernel. */
  | { type: 'state'; document: ITranscript; version?: string }
  /** The turn has ended or paused, so that it belongs in the notebook file. */
  | {
      type: 'record';
      document: ITranscript;
      bundle: Record<string, unknown>;
      version?: string;
    }
  /** The same for a long document, which pages already have unless they have missed something. */
  | { type: 'settled'; id: string; seq: number }
  | { type: 'value'; request: string; name: string; text: string }
  /** Whether cells of the notebook go with every prompt. */
  | { type: 'context'; wanted: boolean }
  | IOverview
  | IPanelAnswer
  /** This kernel does not know the transcript. */
  | { type: 'gone'; id: string };

/** Something that the reader does. */
export type Action =
  | {
      type: 'decide';
      transcript: string;
      request: string;
      digest: string;
      /** The digest of everything that the card has shown, as `digest.ts` makes it. */
      shown: string;
      /** For a call whose outcome is unknown, `approved` runs it again. */
      verdict: 'approved' | 'denied' | 'answered' | 'abandoned';
      /** The edited arguments: the JSON text of each one that was changed, `null` for one that was removed. */
      arguments?: Record<string, string | null>;
      text?: string;
      grant?: Scope;
      /** With `abandoned`: ends the question without asking the model. */
      drop?: true;
    }
  /** One decision about all questions of a turn: each with its digest, and the digest of what its card has shown. */
  | {
      type: 'decideAll';
      transcript: string;
      verdict: 'approved' | 'denied';
      calls: { request: string; digest: string; shown: string }[];
      text?: string;
    }
  | { type: 'continue'; transcript: string }
  | { type: 'retry'; transcript: string }
  /** Asks a model that a problem has offered. */
  | { type: 'ask'; transcript: string; model: string }
  /** Installs the small local model, where a problem has offered that. */
  | { type: 'install'; transcript: string }
  | { type: 'revoke'; transcript: string; grant: string };

/** A message to the kernel. */
export type ToKernel =
  /** The first message. `version` is this package's, so that the kernel can tell whether the page is older. */
  | { type: 'hello'; by: 'extension' | 'widget'; version: string }
  /** Asks for the whole document, or for the record of it. */
  | { type: 'resync'; id: string; record?: true }
  /** Asks for the full text of a long argument. */
  | { type: 'value'; request: string; name: string }
  /** A key that a problem asks for. It is sent by comm only, because an execution request may be kept as history. */
  | { type: 'key'; transcript: string; name: string; key: string }
  /** Asks for the overview. */
  | { type: 'overview' }
  | IPanelQuestion
  /** Makes a model the default everywhere, and asks for the overview. */
  | { type: 'default'; model: string }
  | Action;
