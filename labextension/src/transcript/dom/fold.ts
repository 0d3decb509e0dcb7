/** Draws a line that opens to show more: glyph, words, time and chevron. */

import { toneClass } from './boxes';
import type { Tone } from './boxes';
import { el, refill } from './elements';
import type { Child } from './elements';
import { icon } from './icons';
import type { Icon } from './icons';

/** What the line says. */
export interface IFoldLine {
  glyph: Icon;
  tone?: Tone;
  words: Child[];
  when: Child[];
  whenTone?: Tone;
  /** Whether the words wrap instead of being cut, because all of them matter. */
  wraps?: boolean;
}

/** The line with its body. */
export class Fold {
  readonly node = el('details', 'llm-fold');
  readonly summary = el('summary');
  readonly body = el('div', 'llm-fold-body');
  /** Whether the reader has opened or closed it. If so, it is not opened or closed for them. */
  private isTouched = false;
  private readonly glyph = el('span', 'llm-glyph');
  private readonly line = el('span', 'llm-line');
  private readonly when = el('span', 'llm-when');
  /** The glyph and tone that are drawn. */
  private drawn = '';

  /** `fillBody` draws the body; it is called only while the body can be seen. */
  constructor(private readonly fillBody?: () => void) {
    this.summary.append(
      this.glyph,
      this.line,
      this.when,
      icon('chevron', 'llm-turner')
    );
    this.node.append(this.summary, this.body);
    this.summary.addEventListener('click', () => {
      this.isTouched = true;
    });
    this.node.addEventListener('toggle', () => this.drawBody());
  }

  /** Open or close it, unless the reader has done so before. */
  suggest(open: boolean): void {
    if (!this.isTouched && this.node.open !== open) {
      this.node.open = open;
      this.drawBody();
    }
  }

  /** Draw the body again if it is open. */
  drawBody(): void {
    if (this.node.open) {
      this.fillBody?.();
    }
  }

  /** Draw the line. The glyph is replaced only if it changes, so that a spinner keeps turning smoothly. */
  showLine(line: IFoldLine): void {
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
