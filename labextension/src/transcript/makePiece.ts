/** Makes the piece that draws a row of a transcript. */

import { CodePiece } from './answer/codePiece';
import type { Markdown } from './answer/markdown/markdown';
import { PicturePiece } from './answer/picture';
import { ReasoningPiece } from './answer/reasoning';
import { TablePiece } from './answer/table';
import { TextPiece } from './answer/textPiece';
import { Call } from './calls/call';
import { GatheredSteps, CallGroup } from './calls/groups';
import { Card } from './card/card';
import type { IHost } from './drawing/host';
import type { Row } from './drawing/layout';
import type { IContext, IPiece } from './drawing/piece';

/** What pieces need of the transcript that they are part of. */
export interface ISurroundings {
  readonly markdown: Markdown;
  /** The host, which carries out what the reader does. */
  readonly host: () => IHost;
  /** Called with a request that was decided here. */
  readonly decided: (request: string) => void;
  /** Called when what a card says in a series of several has changed. */
  readonly changed: () => void;
}

/** Make the piece of a row, which is not up to date yet. */
export function makePiece(
  row: Row,
  context: IContext,
  { markdown, host, decided, changed }: ISurroundings
): IPiece {
  switch (row.kind) {
    case 'text':
      return new TextPiece(row.block, markdown, host);
    case 'reasoning':
      return new ReasoningPiece(row.block, markdown.slices);
    case 'code':
      return new CodePiece(row.block, markdown.slices, host);
    case 'table':
      return new TablePiece(row.block);
    case 'picture':
      return new PicturePiece(row.block);
    case 'call':
      return new Call(row.block);
    case 'card':
      return new Card(row.block, row.key, context, decided, changed);
    case 'group':
      return new CallGroup();
    case 'gathered':
      return new GatheredSteps();
  }
}
