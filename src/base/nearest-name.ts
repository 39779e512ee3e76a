/**
 * The known name that a wrong one most likely means: the least edit distance, up to a third of
 * the name's length. Undefined where none is near.
 */
export function nearestName(wrong: string, known: Iterable<string>): string | undefined {
  const meant = wrong.toLowerCase();
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wrong.length / 3)) + 1;
  for (const name of known) {
    const lower = name.toLowerCase();
    // Each letter too many is an edit. Clients send names of 500 KB, and the distance takes the product of both lengths.
    if (Math.abs(meant.length - lower.length) >= least) continue;
    const distance = editDistance(meant, lower);
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

/** `, did you mean NAME?` for the end of a message; empty where no name is near. */
export function didYouMean(wrong: string, known: Iterable<string>): string {
  const name = nearestName(wrong, known);
  return name === undefined ? '' : `, did you mean ${name}?`;
}

/** Levenshtein's distance, one row at a time; two letters that changed places are one edit. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1;
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (before[j - 2] ?? 0) + 1 : Infinity;
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + same, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
