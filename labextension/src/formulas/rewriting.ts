/** Rewrites TeX that the library does not know, or should not see, as TeX that it sets. */

const REPLACED: [RegExp, string][] = [
  // A label is a target for references, which are refused. By itself it shows nothing.
  [/\\label\s*\{[^{}]*\}/g, ''],
  [/\\(begin|end)\{(?:eqnarray|flalign)\*?\}/g, '\\$1{align}'],
  [/\\mbox(?![A-Za-z])/g, '\\text'],
  [/\\math(?:bbm|ds)(?![A-Za-z])/g, '\\mathbb'],
  [/\\mathcolor(?![A-Za-z])/g, '\\textcolor'],
  [/\\mspace\s*\{([^{}]{1,20})\}/g, '\\mkern $1 '],
  // An operator that is spelled out.
  [
    /\\mathop\s*\{\s*\\(?:mathrm|text(?:rm)?)\s*\{([^{}]*)\}\s*\}/g,
    '\\operatorname*{$1}'
  ]
];

/** The sign between two columns of an `eqnarray`, which an `align` has in its second column. */
const BETWEEN_COLUMNS = /&((?:[^&\\]|\\[A-Za-z]+(?![A-Za-z])){1,40})&/g;

/** The columns of an array. */
const COLUMNS = /(\\begin\{array\}\s*\{)((?:[^{}]|\{[^{}]*\}){1,200})\}/g;

/** Columns that are counted, as in `*{3}{c}`. */
const COUNTED = /\*\{([1-9]|1\d|20)\}\{([lcr|]{1,3})\}/g;

/** What stands between two columns, or before and after each cell. The library has its own distances. */
const BETWEEN = /[@!<>]\{[^{}]*\}/g;

/** The formula as the library knows it. */
export function rewritten(tex: string): string {
  const aligned = tex.startsWith('\\begin{eqnarray')
    ? tex.replace(BETWEEN_COLUMNS, (_, sign) => `& ${sign.trim()} `)
    : tex;
  return REPLACED.reduce(
    (text, [from, to]) => text.replace(from, to),
    aligned
  ).replace(
    COLUMNS,
    (_, begin, columns) => `${begin}${simpleColumns(columns)}}`
  );
}

function simpleColumns(columns: string): string {
  return columns
    .replace(BETWEEN, '')
    .replace(COUNTED, (_, count, column) => column.repeat(Number(count)));
}
