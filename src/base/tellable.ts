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
