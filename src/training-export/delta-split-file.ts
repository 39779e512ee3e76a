import { hash } from 'node:crypto';
import { manualClock } from '../base/clock.ts';
import { createTable } from '../storage/table.ts';
import type { TableAppend } from '../storage/write/append.ts';
import { folderSum } from './file-sums.ts';
import { cellAt, type SplitFile, type SplitFileOptions } from './split-file.ts';

/**
 * A Delta table of two versions, the empty one and the rows. Its clock stands at the instant of the
 * labels, and its ids come from its name, so that it is the same bytes every time.
 */
export function deltaSplitFile({ files, name, schema, dictionary, asOfMicros }: SplitFileOptions): SplitFile {
  const names = schema.fields.map((field) => field.name);
  let append: TableAppend | undefined;
  const begin = async (): Promise<TableAppend> => {
    const environment = { clock: manualClock(asOfMicros), newUuid: uuids(`${name} ${dictionary}`) };
    const definition = { path: name, schema, description: 'A split of a training set of sentinela' };
    const table = await createTable(files, definition, environment);
    return table.startAppend({ operation: 'WRITE' });
  };
  return {
    async write(columns, rows) {
      append ??= await begin();
      const piece: Record<string, unknown>[] = [];
      for (let row = 0; row < rows; row += 1) {
        piece.push(Object.fromEntries(names.map((column, at) => [column, cellAt(columns[at], row)])));
      }
      await append.write(piece);
    },
    async finish() {
      await append?.commit();
      return folderSum(files, name);
    },
    async abandon() {},
  };
}

/** UUIDs of version 8 (RFC 9562: the maker's own) that a text determines. */
function uuids(text: string): () => string {
  let made = 0;
  return () => {
    made += 1;
    const hex = hash('sha256', `${text} ${made}`, 'hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  };
}
