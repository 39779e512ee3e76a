/*
 * Patterns of LIKE: `%` is any text, also an empty one, `_` one character (a code point), and the
 * escape makes the character behind it a plain one. As in Spark, only `%`, `_` and the escape itself
 * may follow an escape.
 */

/** A character of a pattern: a plain one, or what its wildcard stands for. */
export type PatternCharacter = { readonly plain: string } | 'one' | 'any';

/** The characters of a pattern; undefined where its escape precedes none that it may. */
export function patternCharacters(pattern: string, escapeCharacter: string): readonly PatternCharacter[] | undefined {
  const characters = [...pattern];
  const parsed: PatternCharacter[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === escapeCharacter) {
      at += 1;
      const escaped = characters[at];
      if (escaped !== '%' && escaped !== '_' && escaped !== escapeCharacter) return undefined;
      parsed.push({ plain: escaped });
    } else if (character === '%') parsed.push('any');
    else if (character === '_') parsed.push('one');
    else parsed.push({ plain: character });
  }
  return parsed;
}

/** The plain text that a pattern begins with, and whether it ends there or goes on with nothing but `%`. */
export interface PatternPrefix {
  readonly text: string;
  readonly rest: 'none' | 'any' | 'other';
}

/** What every text of a pattern begins with. */
export function patternPrefix(characters: readonly PatternCharacter[]): PatternPrefix {
  let text = '';
  for (const [at, character] of characters.entries()) {
    if (typeof character === 'object') text += character.plain;
    else return { text, rest: characters.slice(at).every((next) => next === 'any') ? 'any' : 'other' };
  }
  return { text, rest: 'none' };
}

/**
 * A test of texts by a pattern. It goes back to the last `%` only, so that no pattern takes longer
 * than its length times the text's; a regular expression of many `%` would take a power of it.
 */
export function patternTest(characters: readonly PatternCharacter[]): (text: string) => boolean {
  return (text) => {
    let [at, next] = [0, 0];
    let [retryAt, retryNext] = [-1, -1];
    while (at < text.length) {
      const character = characters[next];
      const length = character === undefined || character === 'any' ? 0 : matchedLength(text, at, character);
      if (character === 'any') {
        next += 1;
        [retryAt, retryNext] = [at, next];
      } else if (length > 0) {
        at += length;
        next += 1;
      } else if (retryNext >= 0) {
        retryAt += lengthAt(text, retryAt);
        [at, next] = [retryAt, retryNext];
      } else return false;
    }
    return characters.slice(next).every((character) => character === 'any');
  };
}

/** The UTF-16 units of a text that a character of the pattern matches; 0 where it does not. */
function matchedLength(text: string, at: number, character: 'one' | { readonly plain: string }): number {
  if (character === 'one') return lengthAt(text, at);
  return text.startsWith(character.plain, at) ? character.plain.length : 0;
}

function lengthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
