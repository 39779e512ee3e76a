import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { type DataType, type Schema, tableFromIPC } from 'apache-arrow';
import { AppError, messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { repeatedName } from '../base/repeated-name.ts';
import { toldTwice } from '../base/tellable.ts';
import { csvFields } from '../pipeline/import-csv.ts';
import { fileRecords } from '../pipeline/import-lines.ts';
import { decodeParquet, rowsOfBatch } from '../storage/parquet/parquet-read.ts';
import type { UserFile, UserRecord } from '../training-export/user-rows.ts';

/**
 * Opens a user's file of rows: CSV with a header (`.csv`, `.csv.gz`), Parquet, or Arrow as an IPC file
 * or stream (`.arrow`, `.feather`, `.arrows`, `.ipc`).
 *
 * @throws AppError `not_found`, `usage` for another ending, `too_large`, `invalid_file`, also where two columns have one name.
 */
export async function openRowsFile(path: string): Promise<UserFile> {
  const file = await openedFile(path);
  const twice = repeatedName(file.header);
  if (twice === undefined) return file;
  throw new AppError('invalid_file', `--rows: ${path} has two columns${toldTwice(twice, file.header)}`);
}

async function openedFile(path: string): Promise<UserFile> {
  if (!existsSync(path)) throw new AppError('not_found', `--rows: there is no file ${path}`);
  const { size } = statSync(path);
  if (size > LIMITS.rowsFileBytes) {
    throw new AppError('too_large', `--rows: ${path} has ${size} bytes: the limit is ${LIMITS.rowsFileBytes}`);
  }
  const bytes = readFileSync(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (/\.csv(\.gz)?$/.test(path)) return { format: 'csv', sha256, ...(await csvFile(path)) };
  if (path.endsWith('.parquet')) return { format: 'parquet', sha256, ...(await parquetFile(path, bytes)) };
  if (/\.(arrow|arrows|feather|ipc)$/.test(path)) return { format: 'arrow', sha256, ...arrowFile(path, bytes) };
  throw new AppError('usage', `--rows: ${path} is of no kind that we know by its ending: .csv, .parquet or .arrow`);
}

type OpenFile = Pick<UserFile, 'header' | 'types' | 'records'>;

/** The columns of a file that has types. */
function headerOf({ fields }: Schema): Pick<UserFile, 'header' | 'types'> {
  return { header: fields.map(({ name }) => name), types: new Map(fields.map(({ name, type }) => [name, type])) };
}

async function csvFile(path: string): Promise<OpenFile> {
  const first = await firstRecord(path);
  const header = first === undefined ? undefined : csvFields(first.toString('utf8'), ',');
  if (header === undefined) throw new AppError('invalid_file', `--rows: ${path} has no header of CSV`);
  async function* records(): AsyncGenerator<UserRecord[]> {
    let isHeader = true;
    for await (const batch of fileRecords(path, 'csv')) {
      yield batch.slice(isHeader ? 1 : 0).map(({ line, bytes, problem }) => {
        const fields = problem === null ? csvFields(bytes.toString('utf8'), ',') : undefined;
        return recordOf(line, header ?? [], fields, problem?.reason ?? 'is no record of CSV');
      });
      isHeader = false;
    }
  }
  return { header, types: new Map(), records };
}

async function firstRecord(path: string): Promise<Buffer | undefined> {
  for await (const [record] of fileRecords(path, 'csv')) return record?.bytes;
  return undefined;
}

function recordOf(line: number, header: readonly string[], fields: string[] | undefined, problem: string): UserRecord {
  if (fields === undefined) return { line, cells: {}, problem };
  const cells = Object.fromEntries(header.map((column, at) => [column, fields[at]]));
  const isWhole = fields.length === header.length;
  return { line, cells, problem: isWhole ? null : `has ${fields.length} fields, the header ${header.length}` };
}

async function parquetFile(path: string, bytes: Uint8Array): Promise<OpenFile> {
  const batches = (): ReturnType<typeof decodeParquet> => decodeParquet(bytes, path);
  let columns: ReturnType<typeof headerOf> = { header: [], types: new Map<string, DataType>() };
  for await (const { schema } of explained(path, batches)) {
    columns = headerOf(schema);
    break;
  }
  async function* records(): AsyncGenerator<UserRecord[]> {
    let line = 0;
    for await (const batch of explained(path, batches)) {
      yield [...rowsOfBatch(batch)].map((cells) => {
        line += 1;
        return { line, cells, problem: null };
      });
    }
  }
  return { ...columns, records };
}

async function* explained<T>(path: string, batches: () => AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* batches();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): AppError {
  return new AppError('invalid_file', `--rows: ${path} cannot be read: ${messageOf(error)}`, {}, error);
}

function arrowFile(path: string, bytes: Uint8Array): OpenFile {
  try {
    const table = tableFromIPC(bytes);
    // Bytes that are no Arrow are an empty table to the library.
    if (table.schema.fields.length === 0) throw new Error('it holds no Arrow schema');
    async function* records(): AsyncGenerator<UserRecord[]> {
      let line = 0;
      for (const batch of table.batches) {
        yield [...rowsOfBatch(batch)].map((cells) => {
          line += 1;
          return { line, cells, problem: null };
        });
      }
    }
    return { ...headerOf(table.schema), records };
  } catch (error) {
    throw unreadable(path, error);
  }
}
