/**
 * Translates the sentences of a transcript.
 *
 * A page has one language, since JupyterLab loads itself anew when another one
 * is chosen. So the translations belong to the page and are given to it once,
 * before anything is drawn. The widget has none, and its sentences stay English.
 */

/** The part of JupyterLab's `TranslationBundle` that is used here. */
export interface ITranslations {
  __(message: string, ...values: string[]): string;
  _n(one: string, many: string, count: number, ...values: string[]): string;
}

/** What puts each hole of a sentence back in its place, so that only we fill them: JupyterLab would change a value that holds `%%`. */
const HOLES = ['%1', '%2', '%3', '%4', '%5'];

let translations: ITranslations | null = null;

/** Translate all sentences from here on; null for English. */
export function translateBy(given: ITranslations | null): void {
  translations = given;
}

/** Translates as a `TranslationBundle` does. Tools that collect sentences know these names. */
export const trans: ITranslations = {
  /** Translate a sentence whose holes, `%1` and so on, take these values. Without values, the holes stay. */
  __(message, ...values) {
    return fill(translations?.__(message, ...HOLES) ?? message, values);
  },
  /** Translate a sentence about a number, which is its `%1`. The values follow from `%2` on. */
  _n(one, many, count, ...values) {
    const sentence =
      translations?._n(one, many, count, ...HOLES.slice(1)) ??
      (count === 1 ? one : many);
    return fill(sentence, [String(count), ...values]);
  }
};

function fill(sentence: string, values: string[]): string {
  return sentence.replace(
    /%(\d)/g,
    (hole, number: string) => values[Number(number) - 1] ?? hole
  );
}

/** Put nodes into the holes of a translated sentence. */
export function withNodes(
  sentence: string,
  ...nodes: (Node | string)[]
): (Node | string)[] {
  return sentence
    .split(/%(\d)/)
    .map((part, at) => (at % 2 ? nodes[Number(part) - 1] : part));
}
