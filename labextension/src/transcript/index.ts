/** The public face of the transcript, for the JupyterLab extension and the widget. */

export type {
  ISetFormula,
  ITypesetter,
  LoadTypesetter
} from './answer/formulas';
export * from './document';
export type { IHeldUpCells, IHost, IReplaceable } from './host';
export { readDelta, readMessage, readSaved, readTranscript } from './reading';
export { isPending } from './layout';
export { reduce } from './reducer';
export { TranscriptView } from './view';
