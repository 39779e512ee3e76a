import { createHash } from 'node:crypto';
import type { CellRow } from '../storage/types/cell.ts';
import { csvHeader, rowCsv } from '../storage/types/row-csv.ts';
import { cellAt, type SplitFile, type SplitFileOptions } from './split-file.ts';

/**
 * A CSV file of RFC 4180 with a header: null is empty and an empty text `""`, lists are JSON, bytes
 * base64, times ISO with microseconds and Z. What columns mean is in the manifest only.
 */
export function csvSplitFile({ files, name, schema }: SplitFileOptions): SplitFile {
  const lineOf = rowCsv(schema);
  const names = schema.fields.map((field) => field.name);
  const pieces: Buffer[] = [Buffer.from(csvHeader(schema))];
  return {
    async write(columns, rows) {
      const lines: string[] = [];
      for (let row = 0; row < rows; row += 1) {
        const cells = names.map((column, at) => [column, cellAt(columns[at], row)]);
        lines.push(lineOf(Object.fromEntries(cells) as CellRow));
      }
      pieces.push(Buffer.from(lines.join('')));
    },
    async finish() {
      const bytes = Buffer.concat(pieces);
      await files.put(name, bytes);
      return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    },
  };
}
