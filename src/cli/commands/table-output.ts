import { AppError } from '../../base/errors.ts';
import type { CellRow } from '../../storage/types/cell.ts';
import type { StructType } from '../../storage/types/delta-type.ts';
import type { Terminal } from '../terminal.ts';

/** How rows are written to stdout. */
export const ROW_FORMATS = ['ndjson', 'csv', 'arrow'] as const;

/** One of {@link ROW_FORMATS}. */
export type RowFormatName = (typeof ROW_FORMATS)[number];

/** Rows of one schema on their way to stdout. */
export interface RowOutput {
  /** Waits for a slow reader. */
  write(rows: readonly CellRow[]): Promise<void>;
  end(): Promise<void>;
}

/** The format of `--format`. @throws AppError usage. */
export function formatOf(text: string): RowFormatName {
  const known = ROW_FORMATS.find((name) => name === text);
  if (known !== undefined) return known;
  throw new AppError('usage', `--format ${text} is not known: ${ROW_FORMATS.join(', ')} are`);
}

/** Starts writing: of CSV the header, of Arrow the schema, also where no row comes. */
export async function rowOutput(terminal: Terminal, format: RowFormatName, schema: StructType): Promise<RowOutput> {
  switch (format) {
    case 'ndjson': {
      const { rowJson } = await import('../../storage/types/row-json.ts');
      const toJson = rowJson(schema);
      return textOutput(terminal, (row) => `${toJson(row)}\n`);
    }
    case 'csv': {
      const { csvHeader, rowCsv } = await import('../../storage/types/row-csv.ts');
      await terminal.raw(csvHeader(schema));
      return textOutput(terminal, rowCsv(schema));
    }
    case 'arrow': {
      const { arrowStream } = await import('../../storage/scan/arrow-stream.ts');
      return arrowOutput(terminal, arrowStream(schema));
    }
  }
}

function textOutput(terminal: Terminal, lineOf: (row: CellRow) => string): RowOutput {
  return {
    write: (rows) => (rows.length === 0 ? Promise.resolve() : terminal.raw(rows.map(lineOf).join(''))),
    end: () => Promise.resolve(),
  };
}

function arrowOutput(
  terminal: Terminal,
  stream: ReturnType<typeof import('../../storage/scan/arrow-stream.ts')['arrowStream']>,
): RowOutput {
  const send = async (pieces: readonly Uint8Array[]): Promise<void> => {
    for (const piece of pieces) await terminal.raw(piece);
  };
  return {
    async write(rows) {
      stream.add(rows);
      await send(stream.take());
    },
    end: () => send(stream.finish()),
  };
}
