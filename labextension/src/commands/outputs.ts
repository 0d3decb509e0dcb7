/** Reads the outputs of a cell: a failure among them, and the transcript of a prompt. */

import type { IOutputAreaModel } from '@jupyterlab/outputarea';

import { MIME_TYPE } from '../transcript';

type Bundle = Record<string, unknown>;

/** The part of an output area's model that is read here. */
export type IOutputs = Pick<IOutputAreaModel, 'length'> & {
  get(index: number): { type: string; data: unknown };
};

/** The MIME type under which JupyterLab keeps an error in an output. */
export const ERROR_MIME_TYPE = 'application/vnd.jupyter.error';

/** Errors that already say what they mean, so that there is nothing to explain. */
const SELF_EXPLAINED = new Set([
  'CellError',
  'CellHalted',
  'KeyboardInterrupt'
]);

function bundlesOf(outputs: IOutputs): Bundle[] {
  return Array.from(
    { length: outputs.length },
    (_, index) => (outputs.get(index).data ?? {}) as Bundle
  );
}

/** Whether an error is one that a model could explain. */
export function isExplainable(error: unknown): boolean {
  const { ename } = (error ?? {}) as Bundle;
  return typeof ename === 'string' && !SELF_EXPLAINED.has(ename);
}

/** Whether the outputs contain an error that a model could explain. */
export function hasFailed(outputs: IOutputs): boolean {
  return bundlesOf(outputs).some(bundle =>
    isExplainable(bundle[ERROR_MIME_TYPE])
  );
}

/** The id of the last transcript among outputs; empty if there is none. */
export function transcriptIn(outputs: IOutputs | undefined): string {
  const ids = (outputs ? bundlesOf(outputs) : []).map(
    bundle => documentIn(bundle).id
  );
  return ids.reverse().find((id): id is string => typeof id === 'string') ?? '';
}

/** How many calls wait for a decision in outputs. */
export function waitingIn(outputs: IOutputs): number {
  return bundlesOf(outputs).reduce((sum, bundle) => {
    const { blocks } = documentIn(bundle);
    return sum + (Array.isArray(blocks) ? blocks.filter(isWaiting).length : 0);
  }, 0);
}

function isWaiting(block: unknown): boolean {
  const { kind, status, request, decision } = (block ?? {}) as Bundle;
  const isOpen = status === 'waiting' || status === 'unknown';
  return kind === 'call' && isOpen && Boolean(request) && !decision;
}

function documentIn(bundle: Bundle): Bundle {
  return (bundle[MIME_TYPE] ?? {}) as Bundle;
}
