/** Tool calls in the document of a transcript: what was called, what a human is asked, and what they decided. */

/** How far a call has come. */
export type CallStatus =
  | 'writing' // the model is still writing the arguments
  | 'queued' // proposed, but not started
  | 'running'
  | 'suspended' // begun, and it waits for a question that it asked
  | 'finished'
  | 'failed'
  | 'cancelled'
  | 'waiting' // for a human decision
  | 'approved' // but has not run yet
  | 'denied'
  | 'answered'
  | 'abandoned'
  | 'unknown'; // it was interrupted while it was running

/** A call of a tool. Its name and its arguments come from the model: hostile. */
export interface ICallBlock {
  kind: 'call';
  callId: string;
  name: string;
  /** The JSON text that has arrived so far. */
  arguments: string;
  status: CallStatus;
  /** When the call started, in seconds after the turn began. */
  began?: number;
  seconds?: number;
  /** When the tool was started, in ISO 8601 with an offset, if its outcome is unknown or it has stopped to ask. */
  startedAt?: string;
  /** What the tool returned, cut to a bounded length: hostile. */
  result?: string;
  /** How many characters of the result were cut off. */
  resultHidden?: number;
  /** The error that the tool raised. `frames` are the lines of its traceback that are the tool's own: hostile. */
  failure?: { type: string; message: string; frames: string } | null;
  /** What the tool has printed: hostile. Of a long text the middle is missing: `hidden` characters at `at`. */
  printed?: {
    text: string;
    cut?: { at: number; hidden: number } | null;
  } | null;
  /** Our own remark, for example that a hook changed the arguments. */
  note?: string;
  request?: IRequest | null;
  decision?: IDecision | null;
}

/** The question to a human, made from the frozen copy of the arguments. */
export interface IRequest {
  /** The id of the call in the journal, which a decision refers to. */
  id: string;
  digest: string;
  tool: string;
  /** Where the tool comes from, such as "function in this notebook". */
  origin: string[];
  /** The loaded code of the tool; `note` says where its file differs from it. `origin` has the same sentence. */
  source?: { title: string; code: string; note?: string } | null;
  /** What the tool said when it paused by itself: hostile. */
  reason: string;
  /** What the tool says that it does: hostile. */
  description?: string;
  destructive: boolean;
  params: IParam[];
  /** The scopes that "Always allow" offers; empty if it is not offered. */
  grants: Scope[];
  /** Set where every "Always allow" ends with the kernel, because it is not known which notebook asks. */
  grantsEndWithKernel?: boolean;
  /** What has changed about the tool, if that is why the question is asked again. */
  changed?: string;
  /** Why the call cannot be approved here, for example because the tool is not defined. */
  blocked?: string;
  /** Why the latest decision about the question does not count. */
  refused?: string;
}

/** How far "Always allow" reaches. */
export type Scope = 'cell' | 'notebook' | 'session';

/** An argument that a human is asked about: hostile. */
export interface IParam {
  name: string;
  /** The type in words, such as `string` or `list of integer`. */
  type: string;
  /** The string itself, or the JSON text of a value that is not a string. */
  text: string;
  isText: boolean;
  /**
   * Set for a long value: `text` holds its head and tail, and `hidden`
   * characters are missing at `at`. Of a value of many lines `text` holds the
   * first ones, and `lines` counts them.
   */
  cut?: {
    at: number;
    hidden: number;
    total: number;
    lines?: { hidden: number; total: number };
  } | null;
  description?: string;
  required?: boolean;
  schema?: Record<string, unknown> | null;
}

/** What a human has decided about a call. */
export interface IDecision {
  verdict: 'approved' | 'denied' | 'answered' | 'abandoned';
  by: string;
  /** When it was decided, in ISO 8601 with an offset. */
  at: string;
  /** The reason for a denial, or the answer. */
  text?: string;
  /** The arguments that were edited, as JSON texts. */
  changes?: { name: string; before: string; after: string }[];
  grant?: { id: string; scope: Scope; revoked: boolean } | null;
  /** Set where the question was dropped before its call had started. */
  dropped?: boolean;
}
