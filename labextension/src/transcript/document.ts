/**
 * A transcript as the kernel sends and saves it: one turn of a conversation, as
 * far as it has come. `llm_notebook/transcript/document.py` writes it.
 */

export const MIME_TYPE = 'application/vnd.llm-notebook.transcript+json';

export interface ITranscript {
  version: 1;
  /** The same for the live view, the saved record and after a reload. */
  id: string;
  /** Number of the last delta that it includes. */
  seq: number;
  model: string;
  state: 'waiting' | 'streaming' | 'paused' | 'done' | 'interrupted' | 'failed';
  /** How long it has taken so far, or took. */
  seconds: number;
  /** When the turn began, ISO 8601 with offset. */
  began?: string;
  /** While nothing arrives: why, such as a retry. */
  notice?: { text: string; detail?: string; seconds?: number } | null;
  blocks: Block[];
  /** Sentences of ours for the reader, below the answer. Plain text. */
  remarks?: string[];
  error?: {
    kind: 'key' | 'error';
    title: string;
    text: string;
    /** Lines to type, each with what it does. */
    ways?: { code: string; text: string }[];
  } | null;
  /** Model, tokens, time: shown at the foot. Absent facts are unknown. */
  footer?: string[] | null;
  hideReasoning?: boolean;
  /** Calls are shown unfolded. */
  showCalls?: boolean;
}

export type Block = ITextBlock | IReasoningBlock | ICallBlock;

export interface ITextBlock {
  kind: 'text';
  /** Markdown of the model's: hostile. */
  text: string;
}

export interface IReasoningBlock {
  kind: 'reasoning';
  text: string;
  /** How long it took; absent while it is the newest. */
  seconds?: number;
}

export type CallStatus =
  | 'writing' // the model is still writing the arguments
  | 'queued' // proposed; not begun
  | 'running'
  | 'finished'
  | 'failed'
  | 'cancelled'
  | 'waiting' // for a human
  | 'approved' // decided, not run yet
  | 'denied'
  | 'answered'
  | 'abandoned'
  | 'unknown'; // it was running when its kernel died

export interface ICallBlock {
  kind: 'call';
  callId: string;
  name: string;
  /** JSON text as far as it arrived. */
  arguments: string;
  status: CallStatus;
  /** Seconds after the turn began. */
  began?: number;
  seconds?: number;
  /** What the tool returned: hostile text, bounded. */
  result?: string;
  /** Characters of the result that were left out. */
  resultHidden?: number;
  /** A sentence of ours, such as that a hook changed the arguments. */
  note?: string;
  request?: IRequest | null;
  decision?: IDecision | null;
}

/** What a human is asked, drawn from the frozen copy of the arguments. */
export interface IRequest {
  /** The call in the journal: what a decision names. */
  id: string;
  digest: string;
  tool: string;
  /** Facts about where the tool comes from, such as "function in this notebook". */
  origin: string[];
  source?: { title: string; code: string } | null;
  /** The tool's own sentence: hostile. */
  reason: string;
  destructive: boolean;
  params: IParam[];
  /** How far "Always allow" may reach; empty where it is not offered. */
  grants: Scope[];
  /** Why it is asked again: what about the tool has changed. */
  changed?: string;
  /** Why it cannot be decided here, such as a tool that is not defined. */
  blocked?: string;
}

export type Scope = 'cell' | 'notebook' | 'session';

export interface IParam {
  name: string;
  /** A word for its type, such as `string` or `list of integer`. */
  type: string;
  /** The string itself, or the JSON text of any other value. */
  text: string;
  isText: boolean;
  /** Of a long value `text` is head and tail; what lies between is fetched when it is opened. */
  cut?: { at: number; hidden: number; total: number } | null;
  description?: string;
  required?: boolean;
  schema?: Record<string, unknown> | null;
}

export interface IDecision {
  verdict: 'approved' | 'denied' | 'answered' | 'abandoned';
  by: string;
  /** ISO 8601 with offset. */
  at: string;
  /** The reason of a denial, or the answer. */
  text?: string;
  /** What was edited: JSON texts. */
  changes?: { name: string; before: string; after: string }[];
  grant?: { id: string; scope: Scope; revoked: boolean } | null;
}

/** A change of a transcript. `seq` numbers go up by one. */
export interface IDelta {
  type: 'delta';
  id: string;
  seq: number;
  ops: Op[];
}

export type Op =
  | { op: 'append'; block: number; text: string }
  | { op: 'block'; block: number; value: Block }
  | { op: 'set'; fields: Partial<ITranscript> };

/** From the kernel. */
export type FromKernel =
  | IDelta
  | { type: 'state'; document: ITranscript }
  /** The turn is over or paused: write it into the notebook. */
  | { type: 'record'; document: ITranscript; bundle: Record<string, unknown> }
  | { type: 'value'; request: string; name: string; text: string }
  /** Nothing is known of this transcript in this kernel. */
  | { type: 'gone'; id: string };

/** What a reader does. */
export type Action =
  | {
      type: 'decide';
      transcript: string;
      request: string;
      digest: string;
      /** `approved` of an unknown call runs it again. */
      verdict: 'approved' | 'denied' | 'answered' | 'abandoned';
      /** Edited arguments: the JSON text of each that was changed, `null` for one that was removed. */
      arguments?: Record<string, string | null>;
      text?: string;
      grant?: Scope;
    }
  | { type: 'continue'; transcript: string }
  | { type: 'retry'; transcript: string }
  | { type: 'revoke'; transcript: string; grant: string };

/** To the kernel by comm. */
export type ToKernel =
  /** `version`: of the npm package, which is released together with the Python package. */
  | { type: 'hello'; by: 'extension' | 'widget'; version: string }
  | { type: 'resync'; id: string }
  | { type: 'value'; request: string; name: string }
  | Action;
