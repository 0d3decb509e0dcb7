/**
 * Keeps what a kernel reports about its models, about questions that wait for a
 * decision, and about the tokens that its answers have used. The kernel is
 * asked again after each cell.
 */

import type { KernelMessage } from '@jupyterlab/services';

import type { FromKernel } from '../../transcript';

/** What a kernel reports about itself. */
export type Overview = Extract<FromKernel, { type: 'overview' }>;

/** Whether a message says that a cell has finished. Work that a comm message has caused is not a cell. */
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

/** Holds the latest report of a kernel, and asks for it only if somebody wants it. */
export class OverviewKeeper {
  private wanted = false;
  private said: Overview | null = null;

  /**
   * @param ask asks the kernel.
   * @param changed is called when the report has changed.
   */
  constructor(
    private readonly ask: () => void,
    private readonly changed: () => void
  ) {}

  /** The latest; null while nothing is known. */
  get latest(): Overview | null {
    return this.said;
  }

  /** Start to follow the kernel. */
  want(): void {
    if (!this.wanted) {
      this.wanted = true;
      this.ask();
    }
  }

  /** Ask again, if the report is wanted. */
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
