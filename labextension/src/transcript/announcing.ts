/** Lets a screen reader say what matters, once: new questions, and the end of the answer. */

import type { ITranscript } from './document';
import { attrs, el, setText } from './dom/elements';
import { isPending } from './layout';

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
      news.push(`${tools.length} calls are waiting: ${tools.join(', ')}`);
    } else if (tools.length) {
      news.push(`Waiting for approval: ${tools[0]}`);
    }
    if (before.state !== next.state && next.state === 'done') {
      news.push('Answer complete');
    }
    if (news.length) {
      setText(this.node, news.join('. '));
    }
  }
}
