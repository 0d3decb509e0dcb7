/**
 * Tells the kernel, in every execute request, which notebook sends it.
 *
 * The kernel knows only the path that it was started with, which is wrong once
 * the notebook is renamed or copied, and for a second notebook on the same
 * kernel. Questions that wait in a cell, and grants that a reader gives in a
 * notebook, belong to the notebook. So the path is in the request itself:
 * whatever happens while the request is queued, it says where the cell was run.
 *
 * A renamed file is still the same notebook, but only this page knows that it
 * was renamed and not copied. So the next request says which path it had
 * before, and goes on to say so until one was carried out by a kernel that has
 * the package loaded.
 */

import { PageConfig } from '@jupyterlab/coreutils';
import type { Contents, Kernel } from '@jupyterlab/services';
import type { JSONArray } from '@lumino/coreutils';

import type { ISentCell } from './cells';

/**
 * What a request says about its notebook, under the key `llm_notebook` of its
 * metadata: its `path`, the `root` folder of the server that the path begins in,
 * after a rename the path that it `was` at before, the `model` that was chosen for
 * it, and its `cells` where they are asked for.
 */
type Sender = { path: string } & Record<string, string>;

/** What a notebook knows of itself and its kernel when it sends a request. */
export interface INotebook {
  path(): string;
  /** The model that was chosen for it; empty if none was. */
  model(): string;
  /** Whether the kernel has the package loaded. */
  hasPackage(): boolean;
  /** The cells that a request with this code asks for; null if it asks for none. */
  cells(code: string, asking: string): ISentCell[] | null;
}

type Connection = Pick<Kernel.IKernelConnection, 'requestExecute'>;
type FileChange = Pick<Contents.IChangedArgs, 'type' | 'oldValue' | 'newValue'>;

/** A change to the name of a file or folder. */
interface IStep {
  /** The path before a rename; null where the history of `to` begins anew. */
  from: string | null;
  to: string;
}

/** Remembers how the files of a server were renamed on this page. */
export class Renames {
  private readonly steps: IStep[] = [];

  constructor(contents?: Pick<Contents.IManager, 'fileChanged'>) {
    contents?.fileChanged.connect((_, change) => this.note(change));
  }

  /** Note a change to the name of a file or folder. */
  note({ type, oldValue, newValue }: FileChange): void {
    const from = oldValue?.path;
    const to = newValue?.path;
    if (type === 'rename' && from && to) {
      this.steps.push({ from, to });
      return;
    }
    const other = type === 'new' ? to : type === 'delete' ? from : undefined;
    if (other && this.before(other) !== undefined) {
      this.settle(other);
    }
  }

  /** The path that a file had before it, or a folder that it is in, was renamed; undefined if none was. */
  before(path: string): string | undefined {
    let at = path;
    for (const { from, to } of [...this.steps].reverse()) {
      if (from === null) {
        if (at === to) {
          break;
        }
      } else if (at === to || at.startsWith(`${to}/`)) {
        at = from + at.slice(to.length);
      }
    }
    return at === path ? undefined : at;
  }

  /**
   * Forget the former name of the file at a path, because the kernel has
   * learned it, or because the file is another one.
   *
   * @param last the last step to forget; others may have followed it.
   */
  settle(path: string, last = this.latest): void {
    const position = last ? this.steps.indexOf(last) + 1 : 0;
    this.steps.splice(position, 0, { from: null, to: path });
  }

  /** The latest change. */
  get latest(): IStep | undefined {
    return this.steps[this.steps.length - 1];
  }
}

/** Signs the requests of kernel connections with the notebook that sends them. */
export class RequestSigner {
  private readonly known = new WeakSet<Connection>();

  constructor(private readonly renames: Renames) {}

  /**
   * Sign all requests of a connection. Each notebook has a connection of its
   * own.
   *
   * @param notebook is asked whenever a request is sent.
   */
  sign(kernel: Connection, notebook: INotebook): void {
    if (this.known.has(kernel)) {
      return;
    }
    this.known.add(kernel);
    const request = kernel.requestExecute.bind(kernel);
    kernel.requestExecute = (content, disposeOnDone, metadata) => {
      const sender = this.senderAt(notebook.path());
      const model = notebook.model();
      const { cellId } = (metadata ?? {}) as { cellId?: unknown };
      const cells = notebook.cells(content.code, String(cellId ?? ''));
      const future = request(content, disposeOnDone, {
        ...metadata,
        llm_notebook: {
          ...sender,
          ...(model && { model }),
          ...(cells && { cells: asJSON(cells) })
        }
      });
      if (sender.was !== undefined) {
        const { latest } = this.renames;
        void reachedPackage(future.done, () => notebook.hasPackage()).then(
          isSaid => isSaid && this.renames.settle(sender.path, latest)
        );
      }
      return future;
    };
  }

  private senderAt(path: string): Sender {
    const sender: Sender = { path };
    const root = PageConfig.getOption('serverRoot');
    const was = this.renames.before(path);
    return { ...sender, ...(root && { root }), ...(was && { was }) };
  }
}

/** Convert the type: cells are JSON, although their type does not say so. */
function asJSON(cells: ISentCell[]): JSONArray {
  return cells as unknown as JSONArray;
}

/** Whether a kernel with the package loaded has carried out a request. If not, the next request repeats what it said. */
async function reachedPackage(
  done: Promise<unknown>,
  isHeard: () => boolean
): Promise<boolean> {
  try {
    const { content } = (await done) as { content: { status: string } };
    return content.status !== 'aborted' && isHeard();
  } catch {
    // The kernel died first.
    return false;
  }
}
