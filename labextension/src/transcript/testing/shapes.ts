/** Hostile Markdown: texts in which something is repeated or nested without end. `benchmarks/hostile_page.py` makes the same ones. */

import shapes from './shapes.json';

/** Makes a text of about this many characters. */
export type Shape = (characters: number) => string;

function repeated(text: string, characters: number): string {
  return text.repeat(Math.floor(characters / text.length));
}

const AGAIN = shapes.again.map((again): [string, Shape] => [
  JSON.stringify(again),
  characters => repeated(again, characters)
]);

const AROUND = shapes.around.map(([before, again, after]): [string, Shape] => [
  JSON.stringify([before, again, after]),
  characters => before + repeated(again, characters) + after
]);

const STAIRS = shapes.stairs.map(([step, line]): [string, Shape] => [
  `stairs ${JSON.stringify([step, line])}`,
  characters => {
    const count = Math.floor(Math.sqrt((2 * characters) / step.length));
    return Array.from(
      { length: count },
      (_, at) => step.repeat(at) + line
    ).join('');
  }
]);

const CODE = shapes.code.languages.flatMap(language =>
  shapes.code.bits.map((bit): [string, Shape] => [
    `${language} ${JSON.stringify(bit)}`,
    characters => `\`\`\`${language}\n${repeated(bit, characters)}\n\`\`\``
  ])
);

/** The shapes by their names. */
export const SHAPES = [...AGAIN, ...AROUND, ...STAIRS, ...CODE];
