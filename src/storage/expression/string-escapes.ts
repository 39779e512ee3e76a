/*
 * Strings as Spark 4 reads them. A backslash begins an escape:
 *
 *   \0 \b \n \r \t \Z      NUL, backspace, line feed, carriage return, tab, U+001A
 *   \uXXXX \UXXXXXXXX      a UTF-16 unit, a code point
 *   \ooo                   a character by three octal digits, the first 0 or 1
 *   \% \_                  both characters, for patterns of LIKE
 *   \ and any other        that character
 *
 * A doubled quote is one quote. (Spark 3 read `'a''b'` as two strings.)
 */

const ESCAPE = /(''|"")|\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([01][0-7]{2})|([\s\S]))/g;

const NAMED: Readonly<Record<string, string>> = {
  '0': '\0',
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  Z: '\u001a',
  '%': '\\%',
  _: '\\_',
};

/** The value of what stands between the quotes of a string. A code point beyond U+10FFFF becomes half a pair. */
export function unescapeString(inner: string, quote: "'" | '"'): string {
  return inner.replaceAll(ESCAPE, (_, pair?: string, unit?: string, point?: string, octal?: string, char = '') => {
    if (pair !== undefined) return pair.startsWith(quote) ? quote : pair;
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16));
    if (point !== undefined) return codePoint(Number.parseInt(point, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    return NAMED[char] ?? char;
  });
}

/** Where a quoted text that begins at a place ends, behind its quote; undefined where it does not end. */
export function endOfQuoted(text: string, start: number, hasEscapes: boolean): number | undefined {
  const quote = text.charAt(start);
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\' && hasEscapes) at += 1;
    else if (char === quote && text.charAt(at + 1) === quote) at += 1;
    else if (char === quote) return at + 1;
  }
  return undefined;
}

function codePoint(value: number): string {
  return value <= 0x10ffff ? String.fromCodePoint(value) : '\ud800';
}
