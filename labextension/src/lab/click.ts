/** Carries out a reader's action as an execution in the cell that shows the transcript, so that output, questions and ■ belong to it. */

import type { OutputArea } from '@jupyterlab/outputarea';
import type { Kernel, KernelMessage } from '@jupyterlab/services';

import type { Action, ICallBlock, ITranscript } from '../transcript';
import { LOAD } from './bus';

/** What is used of a cell's output area. */
export type IArea = Pick<OutputArea, 'model'> & {
  future: OutputArea['future'];
  /** From JupyterLab 4.6 on: takes a future without clearing what is shown. */
  reattachFuture?: (future: OutputArea['future']) => void;
};

/** Where an action is carried out. */
export interface ITarget {
  kernel: Pick<Kernel.IKernelConnection, 'requestExecute'>;
  area: IArea;
  cellId: string;
  /** Show this in the cell's prompt, such as `*`, or what belongs there when undefined. */
  prompt: (text?: string) => void;
  /** The transcript as far as it has come. */
  document: () => ITranscript | undefined;
}

type Future = Kernel.IShellFuture<
  KernelMessage.IExecuteRequestMsg,
  KernelMessage.IExecuteReplyMsg
>;

const WENT_AWAY =
  'The kernel went away before this was carried out. Try again.';
const SKIPPED =
  'The kernel skipped this, because a cell before it was stopped or failed. Try again.';
const NOT_INSTALLED =
  "Install jupyter-llm-notebook in this kernel's environment, then restart the kernel.";
const STILL_OPEN = 'Nothing was decided; the output below says why.';

export class Clicks {
  /** The last action of each area: one at a time, for an area shows the output of one execution only. */
  private readonly last = new WeakMap<IArea, Promise<void>>();

  /**
   * Carry out an action.
   *
   * Resolves when the kernel has carried it out, and rejects with a sentence
   * for the reader where it could not, so that they can try again.
   */
  async perform(action: Action, target: ITarget): Promise<void> {
    const before = this.last.get(target.area);
    const now = (before ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => execute(action, target));
    this.last.set(target.area, now);
    await now;
    const open = stillOpen(action, target.document());
    if (open) {
      throw new Error(open.request?.blocked || STILL_OPEN);
    }
  }
}

/** The code that performs an action: plain ASCII, so that nothing in it can be read as anything but JSON. */
export function codeOf(action: Action): string {
  const json = JSON.stringify(action).replace(
    /[^\x20-\x7e]/g,
    unit => '\\u' + unit.charCodeAt(0).toString(16).padStart(4, '0')
  );
  return `${LOAD}\n%llm act ${json}`;
}

async function execute(action: Action, target: ITarget): Promise<void> {
  const { area } = target;
  const future = request(action, target);
  let missing = false;
  future.registerMessageHook(message => {
    if (message.header.msg_type === 'error') {
      const { ename, evalue } =
        message.content as KernelMessage.IReplyErrorContent;
      missing ||=
        ename === 'ModuleNotFoundError' && /llm_notebook/.test(evalue);
    }
    return !missing;
  });
  show(future, area);
  target.prompt('*');
  let reply: KernelMessage.IExecuteReplyMsg;
  try {
    reply = (await future.done) as KernelMessage.IExecuteReplyMsg;
  } catch {
    throw new Error(WENT_AWAY);
  } finally {
    // Unless the cell was run again meanwhile: its prompt is not ours any more.
    if (area.future === future) {
      target.prompt();
    }
  }
  if (missing) {
    throw new Error(NOT_INSTALLED);
  }
  // ipykernel says "aborted", which the protocol has dropped but servers still pass on.
  if ((reply.content.status as string) === 'aborted') {
    throw new Error(SKIPPED);
  }
}

function request(action: Action, { kernel, cellId }: ITarget): Future {
  try {
    return kernel.requestExecute(
      {
        code: codeOf(action),
        store_history: false,
        allow_stdin: true,
        stop_on_error: false
      },
      false,
      { cellId }
    );
  } catch {
    throw new Error(WENT_AWAY);
  }
}

/** Let the area show what an execution prints, draws and asks, after what it shows already. */
function show(future: Future, area: IArea): void {
  if (area.reattachFuture) {
    area.reattachFuture(future as OutputArea['future']);
    return;
  }
  // Setting the future is the only way to have `input()` answered here, and it clears the area.
  const outputs = area.model.toJSON();
  area.future = future as OutputArea['future'];
  area.model.fromJSON(outputs);
}

/** The call that a decision was about, where it still waits for one. */
function stillOpen(
  action: Action,
  document: ITranscript | undefined
): ICallBlock | undefined {
  if (action.type !== 'decide') {
    return undefined;
  }
  return document?.blocks.find(
    (block): block is ICallBlock =>
      block.kind === 'call' &&
      block.request?.id === action.request &&
      !block.decision &&
      (block.status === 'waiting' || block.status === 'unknown')
  );
}
