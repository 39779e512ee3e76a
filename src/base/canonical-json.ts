/**
 * The canonical form of a JSON value (RFC 8785): members sorted by their names as UTF-16 code
 * units, no white space, numbers and strings as ECMAScript writes them. Two texts of the same
 * value have one canonical form, so its hash says whether two requests are the same.
 *
 * Members whose value is undefined are left out. Numbers must be finite.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.isWellFormed() ? value : value.toWellFormed());
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const record = value as Record<string, unknown>;
    const members: string[] = [];
    for (const key of Object.keys(record).sort()) {
      const member = record[key];
      if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
    }
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}
