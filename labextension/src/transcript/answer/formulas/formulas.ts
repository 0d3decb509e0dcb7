/**
 * Shows formulas: first as their source, and as soon as the library is there as
 * MathML. A formula that cannot be set stays as its source.
 *
 * Setting one takes about a millisecond, and the page lays out and paints all
 * that have been set since its last frame. So that an answer with thousands of
 * formulas never blocks the page, only so many are set for each frame.
 */

import { attrs, el } from '../../dom/elements';
import { texOf } from './rules';
import type { IFormula } from './rules';

/** A formula as MathML, and as one line of text. */
export interface ISetFormula {
  math: Element;
  text: string;
}

/** Sets a formula. The result is null if the formula must not or cannot be set. */
export interface ITypesetter {
  typeset(tex: string, display: boolean): ISetFormula | null;
}

/** Loads the library that sets formulas. */
export type LoadTypesetter = () => Promise<ITypesetter>;

/** How long setting may block the page in each frame, in milliseconds. */
const SLICE = 12;

/** How many formulas are set for each frame, those that are remembered included. */
const AT_ONCE = 50;

/** How many formulas an answer may have. The others stay as their source, because a page lays out and paints all that are near. */
export const MAX_FORMULAS = 2000;

/** How many formulas are remembered, because a growing paragraph is drawn many times. */
const REMEMBERED = 200;

/** A formula on the page that is still to be set. */
interface IDue {
  node: HTMLElement;
  formula: IFormula;
  isWanted: (node: Node) => boolean;
}

/** Draws the formulas of one transcript. */
export class Formulas {
  private typesetter: ITypesetter | null = null;
  private isLoading = false;
  private due: IDue[] = [];
  private readonly made = new Map<string, ISetFormula | null>();
  /** Whether the next frame is waited for, and until then how many more formulas may be set, and until when as `performance.now()` counts. */
  private hasBegun = false;
  private left = 0;
  private until = 0;

  constructor(private readonly load: LoadTypesetter | undefined) {}

  /** A node that shows a formula. `isWanted` is asked later whether it is still to be set. */
  draw(formula: IFormula, isWanted: (node: Node) => boolean): HTMLElement {
    const name = formula.display ? 'llm-formula-display' : 'llm-formula';
    const node = el('span', name, formula.source);
    if (formula.isOpen) {
      return node;
    }
    if (this.mayGoOn(this.made.has(keyOf(formula)))) {
      this.set(node, formula);
    } else {
      this.due.push({ node, formula, isWanted });
      this.prepare();
    }
    return node;
  }

  /** Load the library, unless that has begun. */
  private prepare(): void {
    if (this.isLoading || !this.load) {
      return;
    }
    this.isLoading = true;
    this.load().then(
      typesetter => {
        this.typesetter = typesetter;
        this.setDue();
      },
      () => {
        // It may come later, with another formula.
        this.isLoading = false;
      }
    );
  }

  /** Whether another formula can be set for this frame. One that is remembered takes no time to set. */
  private mayGoOn(isKnown: boolean): boolean {
    if (!this.typesetter || (this.due.length && !isKnown)) {
      return false;
    }
    return this.hasTime(isKnown);
  }

  private hasTime(isKnown = false): boolean {
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.left = AT_ONCE - 1;
      this.until = performance.now() + SLICE;
      requestAnimationFrame(() => {
        this.hasBegun = false;
        this.setDue();
      });
      return true;
    }
    this.left -= 1;
    return this.left >= 0 && (isKnown || performance.now() < this.until);
  }

  private setDue(): void {
    // A paragraph that grows is drawn many times.
    this.due = this.due.filter(({ node, isWanted }) => isWanted(node));
    let count = 0;
    while (count < this.due.length && this.hasTime()) {
      this.set(this.due[count].node, this.due[count].formula);
      count += 1;
    }
    this.due.splice(0, count);
  }

  private set(node: HTMLElement, formula: IFormula): void {
    const made = this.make(formula);
    if (!made) {
      node.replaceChildren(asSource(formula));
      return;
    }
    // What a reader copies is the TeX of a displayed formula, and the line of any other.
    const copied = formula.display ? texOf(formula.source) : made.text;
    node.replaceChildren(
      made.math.cloneNode(true),
      attrs(el('span', 'llm-formula-copied', copied), { 'aria-hidden': 'true' })
    );
  }

  private make(formula: IFormula): ISetFormula | null {
    const key = keyOf(formula);
    let made = this.made.get(key);
    if (made === undefined) {
      made =
        this.typesetter?.typeset(texOf(formula.source), formula.display) ??
        null;
      if (this.made.size >= REMEMBERED) {
        this.made.clear();
      }
      this.made.set(key, made);
    }
    return made;
  }
}

/** A formula that is not set. */
export function asSource({ source }: IFormula): HTMLElement {
  return el('code', '', source);
}

function keyOf({ source, display }: IFormula): string {
  return (display ? 'd' : 'l') + source;
}
