/** The public face of the transcript, for the JupyterLab extension and the widget. */

export * from './document';
export type { IHeldUpCells, IHost } from './host';
export { readDelta, readMessage, readTranscript } from './reading';
export { isPending } from './layout';
export { reduce } from './reducer';
export { TranscriptView } from './view';
