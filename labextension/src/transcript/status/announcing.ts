/** Lets a screen reader say what matters, once: new questions, and the end of the answer. */

import type { ITranscript } from '../protocol/document';
import type { IJob } from '../protocol/job';
import { attrs, el, setText } from '../dom/elements';
import { isPending } from '../drawing/layout';
import { trans } from '../dom/translation';

/** The region of the page that a screen reader reads out when it changes. */
export class Announcer {
  readonly node = attrs(el('div', 'llm-sr'), {
    role: 'status',
    'aria-live': 'polite'
  });

  /** Say what is new in a document. What was there when the page was loaded is not. */
  announce(before: ITranscript | null, next: ITranscript): void {
    if (!before) {
      return;
    }
    const asked = new Set(
      before.blocks.filter(isPending).map(block => block.request.id)
    );
    const tools = next.blocks
      .filter(isPending)
      .filter(block => !asked.has(block.request.id))
      .map(block => block.request.tool);
    const news: string[] = [];
    if (tools.length > 1) {
      news.push(
        trans.__(
          '%1 calls are waiting: %2',
          String(tools.length),
          tools.join(', ')
        )
      );
    } else if (tools.length) {
      news.push(trans.__('Waiting for approval: %1', tools[0]));
    }
    if (next.job) {
      news.push(...newsOf(before.job ?? null, next.job));
    } else if (before.state !== next.state && next.state === 'done') {
      news.push(trans.__('Answer complete'));
    }
    if (news.length) {
      setText(this.node, news.join('. '));
    }
  }
}

/** What is worth announcing about a run over rows: each quarter of it, and its end. */
function newsOf(before: IJob | null, next: IJob): string[] {
  if (next.state !== 'running') {
    const isNews = before !== null && before.state === 'running';
    return isNews ? [next.title + plainOf(next.text)] : [];
  }
  const quarter = quarterOf(next);
  const isNews = before !== null && quarter > quarterOf(before);
  return isNews && quarter > 0
    ? [trans.__('%1 per cent of the rows', String(quarter * 25))]
    : [];
}

const quarterOf = ({ count, done }: IJob): number =>
  count ? Math.floor((4 * done) / count) : 0;

const plainOf = (text: string): string => text.replace(/`/g, '');
