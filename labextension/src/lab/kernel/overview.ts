/** What a kernel reports about its models, what waits for a decision, and what its answers have used. It is asked again after each cell. */

import type { KernelMessage } from '@jupyterlab/services';

import type { FromKernel } from '../../transcript';

export type Overview = Extract<FromKernel, { type: 'overview' }>;

/** Whether a message tells that a cell is over. What a comm message made the kernel do is no cell. */
export function isEndOfCell({
  header,
  parent_header,
  content
}: KernelMessage.IIOPubMessage): boolean {
  const { msg_type } = parent_header as { msg_type?: string };
  const { execution_state } = content as { execution_state?: string };
  return (
    header.msg_type === 'status' &&
    msg_type === 'execute_request' &&
    execution_state === 'idle'
  );
}

/** What is known of a kernel, and whether anybody wants to know it. */
export class OverviewKeeper {
  private wanted = false;
  private said: Overview | null = null;

  /**
   * @param ask asks the kernel.
   * @param changed is called when something else is known.
   */
  constructor(
    private readonly ask: () => void,
    private readonly changed: () => void
  ) {}

  /** The latest; null while nothing is known. */
  get latest(): Overview | null {
    return this.said;
  }

  /** From here on, follow the kernel. */
  want(): void {
    if (!this.wanted) {
      this.wanted = true;
      this.ask();
    }
  }

  /** Ask again, if anybody wants to know. */
  refresh(): void {
    if (this.wanted) {
      this.ask();
    }
  }

  take(said: Overview | null): void {
    if (this.said !== said) {
      this.said = said;
      this.changed();
    }
  }
}
