/**
 * Remembers what a function made of texts, and forgets all where they become too many. Who asks for one text again mostly
 * does so soon; a memo without an end holds every text of a run, and a Map ends with a RangeError at 2^24 of them.
 *
 * @param limit texts that are remembered at most. @param make gives the same for the same text.
 */
export function boundedMemo<T extends string | number>(limit: number, make: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const made = make(text);
    // All at once: to know which was asked for longest ago costs more than to make some again.
    if (known.size >= limit) known.clear();
    known.set(text, made);
    return made;
  };
}
