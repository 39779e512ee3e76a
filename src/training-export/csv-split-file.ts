import type { CellRow } from '../storage/types/cell.ts';
import { csvHeader, rowCsv } from '../storage/types/row-csv.ts';
import { cellAt, type SplitFile, type SplitFileOptions } from './split-file.ts';
import { summedFile } from './summed-file.ts';

/**
 * A CSV file of RFC 4180 with a header: null is empty and an empty text `""`, lists are JSON, bytes
 * base64, times ISO with microseconds and Z. What columns mean is in the manifest only.
 */
export function csvSplitFile({ files, name, schema }: SplitFileOptions): SplitFile {
  const lineOf = rowCsv(schema);
  const names = schema.fields.map((field) => field.name);
  const file = summedFile(files, name);
  let head = csvHeader(schema);
  return {
    async write(columns, rows) {
      const lines: string[] = [head];
      head = '';
      for (let row = 0; row < rows; row += 1) {
        const cells = names.map((column, at) => [column, cellAt(columns[at], row)]);
        lines.push(lineOf(Object.fromEntries(cells) as CellRow));
      }
      await file.append(Buffer.from(lines.join('')));
    },
    finish: file.finish,
    abandon: file.abandon,
  };
}
