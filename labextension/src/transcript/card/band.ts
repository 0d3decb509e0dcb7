/** Chooses the words of the band at the top of a card: what is asked, what has happened, and which question of several it is. */

import type { IRequest, ITranscript } from '../protocol/document';
import { clock } from '../dom/formatting';
import type { Icon } from '../dom/icons';
import { placeInSeries } from '../drawing/layout';
import type { PendingCall } from '../drawing/layout';
import { trans } from '../dom/translation';

/** The glyph and the title of the band at the top. */
export function bandOf(
  request: IRequest,
  isUnknown: boolean,
  isEditing: boolean
): { glyph: Icon; title: string } {
  if (isUnknown) {
    return {
      glyph: 'question',
      title: trans.__('Outcome unknown: did this run?')
    };
  }
  if (isEditing) {
    return { glyph: 'pencil', title: trans.__('Edit before it runs') };
  }
  return request.destructive
    ? {
        glyph: 'warning',
        title: trans.__('Destructive: check before you approve')
      }
    : { glyph: 'pause', title: trans.__('Waiting for your approval') };
}

/** What the band says after its title. Of several questions it says which this is; what they have in common stands above them. */
export function bandFact(
  call: PendingCall,
  document: ITranscript,
  index: number,
  isBusy: boolean,
  now: number
): string {
  const place = placeInSeries(document, index);
  if (call.status === 'unknown') {
    return `${startedText(call, now)} ${place}`.trim();
  }
  if (place) {
    return place;
  }
  const { byKeyboard, state } = document;
  const hasEnded = state === 'paused' && !byKeyboard;
  // A tool may stop to ask in the middle of its work.
  const hasRun = call.startedAt
    ? trans.__('It has begun, and stopped to ask.')
    : trans.__('Nothing has run.');
  if (call.request.destructive && !isBusy) {
    return `${trans.__('Waiting for your approval.')} ${hasRun}`;
  }
  return isBusy || call.request.destructive || !hasEnded
    ? hasRun
    : `${hasRun} ${trans.__('The cell has ended; take your time.')}`;
}

function startedText(call: PendingCall, now: number): string {
  return call.startedAt
    ? trans.__('Started %1; no end is recorded.', clock(call.startedAt, now))
    : trans.__('It was started; no end is recorded.');
}
