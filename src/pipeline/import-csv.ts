/**
 * The fields of one CSV record (RFC 4180): `record = field *(delimiter field)`, a field is plain
 * text without quotes, or text between quotes with each quote in it doubled. Undefined where the
 * record breaks that grammar.
 *
 * @param delimiter one character.
 */
export function csvFields(record: string, delimiter: string): string[] | undefined {
  if (!record.includes('"')) return record.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (record.charAt(at) === '"') {
      const end = endOfQuotes(record, at);
      if (end === -1) return undefined;
      fields.push(record.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
      if (at < record.length && record.charAt(at) !== delimiter) return undefined;
    } else {
      const next = record.indexOf(delimiter, at);
      const end = next === -1 ? record.length : next;
      const field = record.slice(at, end);
      if (field.includes('"')) return undefined;
      fields.push(field);
      at = end;
    }
    if (at >= record.length) return fields;
    at += 1;
  }
}

/** The index of the quote that closes the one at `start`, −1 where none does. */
function endOfQuotes(record: string, start: number): number {
  for (let at = record.indexOf('"', start + 1); at !== -1; at = record.indexOf('"', at + 2)) {
    if (record.charAt(at + 1) !== '"') return at;
  }
  return -1;
}
