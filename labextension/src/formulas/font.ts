/**
 * Gives the page the font in which formulas are set.
 *
 * Roots, brackets and braces grow with what they enclose only in a font that has
 * sizes of them, and many machines have none. The font is a subset of Latin
 * Modern Math, the letters that TeX readers know; `scripts/formula_font.py` makes
 * it. Nothing is fetched from elsewhere: the extension has the file among its
 * own, and in the widget's module it is a part of the text.
 */

import source from '../../style/formulas.woff2';

/** The name that the style sheet uses. */
const FAMILY = 'LLM Notebook Math';

/** Add the font to the page, once. Until it has arrived, formulas are set in a font of the machine. */
export function provideFont(): void {
  const fonts = document.fonts as FontFaceSet | undefined;
  if (!fonts || Array.from(fonts).some(face => face.family.includes(FAMILY))) {
    return;
  }
  const bytes = typeof source === 'string' ? `url("${source}")` : source;
  const face = new FontFace(FAMILY, bytes);
  fonts.add(face);
  // Without it formulas are still readable.
  face.load().catch(() => undefined);
}
