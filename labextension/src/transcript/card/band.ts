/** The words of the band at the top of a card: what is asked, what has happened, and which question of several it is. */

import type { IRequest, ITranscript } from '../document';
import { clock } from '../dom/formatting';
import type { Icon } from '../dom/icons';
import { placeInSeries } from '../layout';
import type { PendingCall } from '../layout';

/** The glyph and the title of the band at the top. */
export function bandOf(
  request: IRequest,
  isUnknown: boolean,
  isEditing: boolean
): { glyph: Icon; title: string } {
  if (isUnknown) {
    return { glyph: 'question', title: 'Outcome unknown: did this run?' };
  }
  if (isEditing) {
    return { glyph: 'pencil', title: 'Edit before it runs' };
  }
  return request.destructive
    ? { glyph: 'warning', title: 'Destructive: check before you approve' }
    : { glyph: 'pause', title: 'Waiting for your approval' };
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
    return `${startedText(call, document, now)} ${place}`.trim();
  }
  if (place) {
    return place;
  }
  if (isBusy) {
    return 'Nothing has run.';
  }
  return call.request.destructive
    ? 'Waiting for your approval. Nothing has run.'
    : 'Nothing has run. The cell has ended; take your time.';
}

function startedText(
  call: PendingCall,
  { began = '' }: ITranscript,
  now: number
): string {
  const at = Date.parse(began) + 1000 * (call.began ?? NaN);
  return Number.isNaN(at)
    ? 'It was started; no end is recorded.'
    : `Started ${clock(new Date(at).toISOString(), now)}; no end is recorded.`;
}
