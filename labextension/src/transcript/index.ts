/** The public face of the transcript, for the JupyterLab extension and the widget. */

export type {
  ISetFormula,
  ITypesetter,
  LoadTypesetter
} from './answer/formulas/formulas';
export * from './protocol/document';
export type { About, IPanelAnswer, IPanelQuestion } from './protocol/panel';
export type { IHeldUpCells, IHost, IReplaceable } from './drawing/host';
export {
  readDelta,
  readMessage,
  readSaved,
  readTranscript
} from './protocol/reading';
export { isPending } from './drawing/layout';
export { reduce } from './protocol/reducer';
export { TranscriptView } from './view';
export { translateBy } from './dom/translation';
