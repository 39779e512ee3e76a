import type { ObjectStore } from '../storage/store/object-store.ts';
import { dataDictionary, type ExportColumn, exportSchema } from './export-columns.ts';
import type { ExportOptions, ExportPorts } from './export-options.ts';
import type { ExportRow, ExportRows } from './export-rows.ts';
import { fileNameOf } from './file-format.ts';
import type { ExportFile } from './manifest.ts';
import { openSplitFile } from './open-split-file.ts';
import type { SplitFile } from './split-file.ts';
import { type SplitWriter, splitWriter } from './split-writer.ts';
import { SPLITS, type SplitName } from './time-split.ts';
import type { TrainingCounts } from './training-counts.ts';

/** Rows between two reports of progress. */
const REPORT_ROWS = 8192;

/** What became of the rows of an export. */
export interface WrittenSplits {
  readonly files: readonly ExportFile[];
  readonly sampledOutRows: number;
  readonly embargoRows: number;
  readonly crossedRows: number;
  readonly unobservedRows: number | null;
}

/** Writes the rows, each into the file of its split. Where it fails, nothing of a file is left. */
export async function writeSplits(
  rows: ExportRows,
  options: ExportOptions,
  columns: readonly ExportColumn[],
  { onProgress, files }: ExportPorts,
  training: TrainingCounts,
): Promise<WrittenSplits> {
  const openSplit = splitOpener(options, columns, files);
  const writers = new Map<SplitName, SplitWriter>();
  const left = { embargo: 0, crossed: 0, unobserved: 0 };
  const take = async (row: ExportRow): Promise<void> => {
    const { split } = row;
    const out = leftOut(row, options);
    if (out !== null || split === 'crossed') {
      left[out ?? 'crossed'] += 1;
      return;
    }
    training.see(row);
    const writer = writers.get(split) ?? openSplit(split);
    writers.set(split, writer);
    await writer.add(row);
  };
  try {
    let done = 0;
    for await (const piece of rows.pieces()) {
      for (let at = 0; at < piece.count; at += 1, done += 1) {
        if (done % REPORT_ROWS === 0) onProgress?.(done, rows.count);
        await take(piece.row(at));
      }
    }
    return {
      ...(await finishAll(writers)),
      embargoRows: left.embargo,
      crossedRows: left.crossed,
      unobservedRows: options.withoutUnobserved === true ? left.unobserved : null,
    };
  } catch (error) {
    for (const writer of writers.values()) await writer.abandon().catch(() => undefined);
    throw error;
  }
}

/** Puts the files into their places, in the order of the splits. */
async function finishAll(
  writers: ReadonlyMap<SplitName, SplitWriter>,
): Promise<Pick<WrittenSplits, 'files' | 'sampledOutRows'>> {
  const files: ExportFile[] = [];
  let sampledOutRows = 0;
  for (const name of SPLITS) {
    const writer = writers.get(name);
    const file = await writer?.finish();
    sampledOutRows += writer?.sampledOut ?? 0;
    if (file !== null && file !== undefined) files.push(file);
  }
  return { files, sampledOutRows };
}

/** Why a row goes into no file; null where it goes into its split's. */
function leftOut(
  { split, isObserved }: ExportRow,
  { withEmbargo, withoutUnobserved }: ExportOptions,
): 'embargo' | 'crossed' | 'unobserved' | null {
  if (split === 'crossed') return 'crossed';
  if (split === 'embargo' && withEmbargo !== true) return 'embargo';
  return !isObserved && withoutUnobserved === true ? 'unobserved' : null;
}

function splitOpener(
  options: ExportOptions,
  columns: readonly ExportColumn[],
  files: ObjectStore,
): (split: SplitName) => SplitWriter {
  const { format = 'parquet', doubles = false, labelsAsOfMicros, part = 1 } = options;
  const schema = exportSchema(columns);
  const plain = columns.filter(({ role }) => role === 'feature').map(({ name }) => name);
  const dictionary = dataDictionary(options, columns);
  return (split) => {
    const name = fileNameOf(split, format, part);
    const open = (): SplitFile =>
      openSplitFile(format, { files, name, schema, plain, dictionary, asOfMicros: labelsAsOfMicros });
    return splitWriter({ split, part, name, columns, doubles, open });
  };
}
