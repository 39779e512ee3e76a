/**
 * The first name that stands in a list twice; undefined where none does.
 *
 * Who reads a file by the names of its columns gets one of two that are called alike, and nobody said which.
 */
export function repeatedName(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}
