/**
 * What may be repeated in an error: words with few digits, as `payer_count_24h` and `pix-core` are. A document, an
 * account, an id or a Pix key (an address of e-mail, a random key, which may begin with a letter) is none.
 */
const TELLABLE = /^[A-Za-z]+\d{0,3}([_-]([A-Za-z]+\d{0,3}|\d{1,3}[A-Za-z]{0,2}))*$/;
const MOST_TELLABLE = 63;

/** Whether a name from outside looks like one, and not like a value, so that a message may repeat it. */
export function isTellable(name: string): boolean {
  return name.length <= MOST_TELLABLE && TELLABLE.test(name);
}

/** A name from outside for a message. */
export function tellable(name: string): string {
  return isTellable(name) ? name : '(a name that is none of ours)';
}

/** The names of a file's columns, where a message may repeat them: the first line of a file without a header is a row. */
export function tellableColumns(names: readonly string[]): readonly string[] | undefined {
  return names.every((name) => name === '' || isTellable(name)) ? names : undefined;
}

/** What columns a file has, for a message. */
export function toldColumns(names: readonly string[]): string {
  const told = tellableColumns(names)?.slice(0, 40).join(', ');
  return told === undefined ? `it has ${names.length}, not told: they do not look like names` : `it has ${told}`;
}

/** ` of one name: NAME` for a message, without the name where a message may not repeat it. */
export function toldTwice(twice: string, names: readonly string[]): string {
  return tellableColumns(names) === undefined
    ? ' of one name, or its first line is a row and no header'
    : ` of one name: ${twice}`;
}
