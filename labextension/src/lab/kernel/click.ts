/**
 * Carries out a reader's action as an execution in the cell that shows the
 * transcript.
 *
 * An approved tool may print, plot, ask with `input()` or run for a long time.
 * All of that works only in an ordinary execution whose future belongs to a
 * cell's output area: the output lands there, the question is asked there, and
 * ■ stops it. So a click sends an `execute_request` with `%llm act`, and gives
 * its future to the area of the transcript's cell, without clearing what the
 * area shows.
 *
 * A request that the kernel has skipped, or that ended with the question still
 * open, has decided nothing: the reader is told why and may click again. The
 * kernel gives its reason with the question, unless it failed; then the cell
 * shows the error. An area follows one future at a time, so the actions of a
 * cell run one after another.
 */

import type { OutputArea } from '@jupyterlab/outputarea';
import type { Kernel, KernelMessage } from '@jupyterlab/services';

import type { Action, ICallBlock, ITranscript } from '../../transcript';
import { LOAD } from './bus';
import { trans } from '../../transcript/dom/translation';

/** The part of a cell's output area that a click uses. */
export type IArea = Pick<OutputArea, 'model'> & {
  future: OutputArea['future'];
  /** Follows a future without clearing the area. It is available since JupyterLab 4.6. */
  reattachFuture?: (future: OutputArea['future']) => void;
};

/** Where an action is carried out. */
export interface ITarget {
  kernel: Pick<Kernel.IKernelConnection, 'requestExecute'>;
  area: IArea;
  cellId: string;
  /** Set the cell's prompt, such as `*`; without a text, restore it. */
  prompt: (text?: string) => void;
  /** Put code into a new cell below. */
  insertBelow: (code: string) => void;
}

/** What an action is about. */
export interface IDecided {
  /** The newest state of the transcript. */
  document: () => ITranscript | undefined;
}

type Future = Kernel.IShellFuture<
  KernelMessage.IExecuteRequestMsg,
  KernelMessage.IExecuteReplyMsg
>;

const wentAway = (): string =>
  trans.__('The kernel went away before this was carried out. Try again.');
const skipped = (): string =>
  trans.__(
    'The kernel skipped this, because a cell before it was stopped or failed. Try again.'
  );
const notInstalled = (): string =>
  trans.__(
    "Install jupyter-llm-notebook in this kernel's environment, then restart the kernel."
  );
const failed = (): string =>
  trans.__('Nothing was decided; the output below says why.');
const askedAnew = (): string =>
  trans.__(
    'This is asked anew, because what it is about has changed. Read it again.'
  );
const stillOpen = (): string =>
  trans.__(
    'Nothing was decided, and the kernel does not say why. Load the page again and look at what it shows.'
  );

/** Runs actions in cells, one after another in each cell. */
export class Clicks {
  /** The last action of each area, which the next one waits for. */
  private readonly last = new WeakMap<IArea, Promise<unknown>>();

  /**
   * Carry out an action.
   *
   * Resolves when the kernel has carried it out. If it could not, rejects with a
   * sentence for the reader, who can then try again.
   */
  async perform(action: Action, target: ITarget & IDecided): Promise<void> {
    const hasFailed = await this.run(lineOf(action), target);
    const open = undecidedCall(action, target.document());
    if (open) {
      throw new Error(
        whyUndecided(open) ||
          (hasFailed && failed()) ||
          (isNewQuestion(action, open) && askedAnew()) ||
          stillOpen()
      );
    }
  }

  /**
   * Run a line of our magic in a cell, and keep what the cell shows.
   *
   * Resolves when the kernel has run it, and says whether it failed with an
   * error that the cell shows. Rejects as `perform` does.
   */
  async run(line: string, target: ITarget): Promise<boolean> {
    const before = this.last.get(target.area);
    const now = (before ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => execute(`${LOAD}\n${line}`, target));
    this.last.set(target.area, now);
    return now;
  }
}

/** The line that performs an action. It is plain ASCII on one line, so that IPython cannot read it as anything but JSON. */
export function lineOf(action: Action): string {
  const json = JSON.stringify(action).replace(
    /[^\x20-\x7e]/g,
    unit => '\\u' + unit.charCodeAt(0).toString(16).padStart(4, '0')
  );
  return `%llm act ${json}`;
}

/** Run code for a cell. The promise says whether it failed with an error, which the cell shows. */
async function execute(code: string, target: ITarget): Promise<boolean> {
  const { area } = target;
  const future = requestExecution(code, target);
  let isMissing = false;
  // A kernel without the package is reported on the card, not by a traceback in the cell.
  future.registerMessageHook(message => {
    if (message.header.msg_type === 'error') {
      const { ename, evalue } =
        message.content as KernelMessage.IReplyErrorContent;
      isMissing ||=
        ename === 'ModuleNotFoundError' && /llm_notebook/.test(evalue);
    }
    return !isMissing;
  });
  attach(future, area);
  target.prompt('*');
  let reply: KernelMessage.IExecuteReplyMsg;
  try {
    reply = (await future.done) as KernelMessage.IExecuteReplyMsg;
  } catch {
    throw new Error(wentAway());
  } finally {
    // If the cell was run again in the meantime, its prompt belongs to that run.
    if (area.future === future) {
      target.prompt();
    }
  }
  if (isMissing) {
    throw new Error(notInstalled());
  }
  // The type does not have "aborted", but ipykernel still sends it.
  if ((reply.content.status as string) === 'aborted') {
    throw new Error(skipped());
  }
  newCellsOf(reply).forEach(code => target.insertBelow(code));
  // A cell that halts with a question shows no error.
  const { content } = reply;
  return content.status === 'error' && content.ename !== 'CellHalted';
}

/** The code that the kernel wants in new cells. JupyterLab looks at it only for cells that it has run itself. */
function newCellsOf({ content }: KernelMessage.IExecuteReplyMsg): string[] {
  const payload = content.status === 'ok' ? (content.payload ?? []) : [];
  return payload.flatMap(({ source, text, replace }) =>
    source === 'set_next_input' && typeof text === 'string' && !replace
      ? [text]
      : []
  );
}

function requestExecution(code: string, { kernel, cellId }: ITarget): Future {
  try {
    return kernel.requestExecute(
      {
        code,
        store_history: false,
        allow_stdin: true,
        stop_on_error: false
      },
      false,
      { cellId }
    );
  } catch {
    throw new Error(wentAway());
  }
}

/** Let the area follow a future, and keep what it shows. */
function attach(future: Future, area: IArea): void {
  if (area.reattachFuture) {
    area.reattachFuture(future as OutputArea['future']);
    return;
  }
  // `input()` is answered only through the area's future, and setting that clears the area.
  const outputs = area.model.toJSON();
  area.future = future as OutputArea['future'];
  area.model.fromJSON(outputs);
}

/** The call that a decision was about, if it is still undecided. */
function undecidedCall(
  action: Action,
  document: ITranscript | undefined
): ICallBlock | undefined {
  const requests =
    action.type === 'decideAll'
      ? action.calls.map(call => call.request)
      : [action.type === 'decide' ? action.request : null];
  const open = document?.blocks.filter(
    (block): block is ICallBlock =>
      block.kind === 'call' &&
      requests.includes(block.request?.id ?? '') &&
      !block.decision &&
      (block.status === 'waiting' || block.status === 'unknown')
  );
  // If all were to be decided, the one that could not be gives the reason.
  return open?.find(whyUndecided) ?? open?.[0];
}

/** Whether the open question differs from the one that was decided. */
function isNewQuestion(action: Action, { request }: ICallBlock): boolean {
  const decided =
    action.type === 'decideAll'
      ? action.calls
      : action.type === 'decide'
        ? [action]
        : [];
  return decided.every(one => one.digest !== request?.digest);
}

/** Why a call is still undecided, in the kernel's words. */
function whyUndecided({ request }: ICallBlock): string {
  return request?.refused || request?.blocked || '';
}
