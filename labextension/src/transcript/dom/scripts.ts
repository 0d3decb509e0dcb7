/**
 * Finds words whose letters come from several scripts. Letters of different
 * scripts can look the same, so `pаypal` may be another word than `paypal`.
 */

import { trans } from './translation';

/** The scripts whose letters are told apart. All others count as one. */
const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Armenian',
  'Georgian',
  'Hebrew',
  'Arabic',
  'Cherokee',
  'Coptic',
  'Lisu',
  'Thai',
  'Devanagari'
];

const BY_SCRIPT = SCRIPTS.map(name => ({
  name,
  letter: new RegExp(`\\p{Script=${name}}`, 'u')
}));

/** Letters that a font styles, which look like plain Latin or Greek ones. */
const STYLED = /[\uff21-\uff3a\uff41-\uff5a\u{1d400}-\u{1d7ff}\u2100-\u214f]/u;

/** Scripts that are written together with each other, and with Latin, in one word. */
const EAST_ASIAN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}]/u;

/** Longer words are examined in parts, because the stack of a regular expression is bounded. */
const WORDS = /[\p{L}\p{M}\p{N}]{1,1000}/gu;

/** A character that no all-Latin word contains, and one that no all-East-Asian word contains. */
const NOT_LATIN =
  // eslint-disable-next-line no-control-regex -- ASCII begins with them
  /[^\x00-\u024f]/;
const NOT_EAST_ASIAN =
  /[^\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{N}]/u;

/** A word of several scripts. */
export interface IMixedWord {
  start: number;
  end: number;
  /** The script of most of its letters. */
  main: string;
  /** Where its letters of other scripts are in the text, and what they are. */
  foreign: { at: number; letter: string; script: string }[];
}

/** The words of a text whose letters come from several scripts. */
export function mixedWords(text: string): IMixedWord[] {
  const found: IMixedWord[] = [];
  if (!NOT_LATIN.test(text)) {
    return found;
  }
  for (const match of text.matchAll(WORDS)) {
    const [letters] = match;
    const isMixed = NOT_LATIN.test(letters) && NOT_EAST_ASIAN.test(letters);
    const word = isMixed ? mixedWord(letters, match.index ?? 0) : null;
    if (word) {
      found.push(word);
    }
  }
  return found;
}

function mixedWord(word: string, start: number): IMixedWord | null {
  const letters: IMixedWord['foreign'] = [];
  const counts = new Map<string, number>();
  let at = start;
  for (const letter of word) {
    const script = scriptOf(letter);
    if (script) {
      counts.set(script, (counts.get(script) ?? 0) + 1);
      letters.push({ at, letter, script });
    }
    at += letter.length;
  }
  if (counts.size < 2) {
    return null;
  }
  const [[main]] = [...counts].sort(([, one], [, other]) => other - one);
  const foreign = letters.filter(({ script }) => script !== main);
  return { start, end: at, main, foreign };
}

/** The script of a letter; empty for digits, marks and letters that stand beside any other. */
function scriptOf(letter: string): string {
  if (STYLED.test(letter)) {
    return 'styled';
  }
  const known = BY_SCRIPT.find(script => script.letter.test(letter));
  if (known) {
    return known.name;
  }
  return EAST_ASIAN.test(letter) ||
    !/(?!\p{Script=Common}|\p{Script=Inherited})\p{L}/u.test(letter)
    ? ''
    : 'foreign';
}

/** A sentence that counts the words of several scripts and names the first letter; empty if there is none. */
export function mixedWordsNote(text: string): string {
  const words = mixedWords(text);
  if (words.length === 0) {
    return '';
  }
  const [{ foreign, main }] = words;
  const [{ letter, script }] = foreign;
  const many = words.length > 1 || foreign.length > 1;
  const code = letter.codePointAt(0) ?? 0;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const said = trans._n(
    '%1 word mixes scripts:',
    '%1 words mix scripts:',
    words.length
  );
  const values = [shown(script), letter, name, shown(main)];
  const which = many
    ? trans.__(
        'the first marked letter is a %1 %2 (%3), not a %4 one.',
        ...values
      )
    : trans.__('the marked letter is a %1 %2 (%3), not a %4 one.', ...values);
  return `${said} ${which}`;
}

/** The word for a script. Scripts keep the names that Unicode gives them. */
function shown(script: string): string {
  const words: Record<string, string> = {
    styled: trans.__('styled'),
    foreign: trans.__('foreign')
  };
  return words[script] ?? script;
}
