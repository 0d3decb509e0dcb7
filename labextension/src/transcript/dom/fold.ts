/** One line that opens: glyph, words, time, chevron. */

import { toneClass } from './boxes';
import type { Tone } from './boxes';
import { el, refill } from './elements';
import type { Child } from './elements';
import { icon } from './icons';
import type { Icon } from './icons';

export interface IFoldLine {
  glyph: Icon;
  tone?: Tone;
  words: Child[];
  when: Child[];
  whenTone?: Tone;
  /** Words that matter to the end: they wrap instead of being cut. */
  wraps?: boolean;
}

export class Fold {
  readonly node = el('details', 'llm-fold');
  readonly summary = el('summary');
  readonly body = el('div', 'llm-fold-body');
  /** Whether a reader has opened or closed it: from then on it is theirs. */
  touched = false;
  private readonly glyph = el('span', 'llm-glyph');
  private readonly line = el('span', 'llm-line');
  private readonly when = el('span', 'llm-when');
  private drawn = '';

  /** `onOpen` draws the body each time it is opened. */
  constructor(private readonly onOpen?: () => void) {
    this.summary.append(
      this.glyph,
      this.line,
      this.when,
      icon('chevron', 'llm-turner')
    );
    this.node.append(this.summary, this.body);
    this.summary.addEventListener('click', () => {
      this.touched = true;
    });
    this.node.addEventListener('toggle', () => this.drawBody());
  }

  get isOpen(): boolean {
    return this.node.open;
  }

  /** Open or close it, unless a reader has done so. */
  suggest(open: boolean): void {
    if (!this.touched && this.node.open !== open) {
      this.node.open = open;
      this.drawBody();
    }
  }

  /** Draw what is inside, if that can be seen. */
  drawBody(): void {
    if (this.node.open) {
      this.onOpen?.();
    }
  }

  /** Set the line. The glyph is drawn anew only where it changed, so that a spinner goes on turning. */
  show(line: IFoldLine): void {
    const key = `${line.glyph} ${line.tone ?? ''}`;
    if (key !== this.drawn) {
      this.drawn = key;
      this.glyph.className = 'llm-glyph' + toneClass(line.tone);
      refill(this.glyph, icon(line.glyph));
    }
    this.node.classList.toggle('llm-decided', Boolean(line.wraps));
    refill(this.line, ...line.words);
    this.when.className = 'llm-when' + toneClass(line.whenTone);
    refill(this.when, ...line.when);
  }
}
