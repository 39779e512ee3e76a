import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { tableLines } from '../terminal.ts';
import { numberOf } from './simulate.ts';

interface TableFlags {
  readonly path: string;
  readonly version?: string;
  readonly columns?: string;
  readonly limit?: string;
  readonly format: string;
}

/** `sentinela table show | history | read`. */
export function addTableCommand(program: Command, contextOf: ContextOf): void {
  const table = program.command('table').description('read any Delta table on this machine');
  const withPath = (command: Command): Command => command.requiredOption('--path <folder>', 'folder of the table');
  withPath(table.command('show').description('version, schema, files and rows'))
    .option('--version <n>', 'an older version')
    .addHelpText('after', '\nExample:\n  sentinela table show --path data/lake/silver/transactions')
    .action((flags: TableFlags, command: Command) => show(contextOf(command), flags));
  withPath(table.command('history').description('commits, the newest first'))
    .option('--limit <n>', 'how many', '20')
    .addHelpText('after', '\nExample:\n  sentinela table history --path data/lake/gold/daily_payments --limit 5')
    .action((flags: TableFlags, command: Command) => history(contextOf(command), flags));
  withPath(table.command('read').description('rows, one a line; int64 as exact JSON numbers'))
    .option('--version <n>', 'an older version')
    .option('--columns <a,b>', 'only these columns')
    .option('--limit <n>', 'at most so many rows')
    .option('--format <name>', 'ndjson', 'ndjson')
    .addHelpText('after', '\nExample:\n  sentinela table read --path data/lake/silver/labels --limit 3 --format ndjson')
    .action((flags: TableFlags, command: Command) => read(contextOf(command), flags));
}

async function openSnapshot({ path, version }: TableFlags) {
  const [{ openTable }, { localObjectStore }, { systemClock }] = await Promise.all([
    import('../../storage/table.ts'),
    import('../../storage/store/local-object-store.ts'),
    import('../../base/clock.ts'),
  ]);
  // The folder's parent is the store, so that messages name the table.
  const folder = resolve(path);
  const table = openTable(localObjectStore(dirname(folder)), basename(folder), { clock: systemClock() });
  return { table, snapshot: await table.snapshot(version === undefined ? undefined : numberOf('version', version)) };
}

async function show({ terminal }: CommandContext, flags: TableFlags): Promise<void> {
  const { snapshot } = await openSnapshot(flags);
  const rows = snapshot.rowCount ?? null;
  const sizeBytes = snapshot.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const fields = snapshot.schema.fields.map(({ name, type, nullable }) => ({ name, type, nullable }));
  const { version, partitionColumns, protocol } = snapshot;
  terminal.value({
    path: flags.path,
    version,
    rows,
    files: snapshot.files.length,
    sizeBytes,
    partitionColumns,
    protocol,
    fields,
  });
  terminal.line(`${terminal.bold(flags.path)}  version ${version}`);
  terminal.line(
    `${rows?.toLocaleString('en-US') ?? 'unknown'} rows in ${snapshot.files.length} files, ${sizeBytes.toLocaleString('en-US')} bytes`,
  );
  terminal.line(
    `reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}; partitioned by ${partitionColumns.join(', ') || 'nothing'}`,
  );
  for (const { name, type } of fields)
    terminal.line(`  ${name}  ${typeof type === 'string' ? type : JSON.stringify(type)}`);
}

async function history({ terminal }: CommandContext, flags: TableFlags): Promise<void> {
  const { table } = await openSnapshot(flags);
  const entries = await table.history(numberOf('limit', flags.limit ?? '20'));
  const rows: (string | number)[][] = [['version', 'time', 'operation', 'metrics']];
  for (const { version, timestampMs, operation, commitInfo } of entries) {
    const time = new Date(timestampMs).toISOString();
    terminal.value({ version, time, operation: operation ?? null, metrics: commitInfo.operationMetrics ?? {} });
    rows.push([version, time, operation ?? '', JSON.stringify(commitInfo.operationMetrics ?? {})]);
  }
  for (const line of tableLines(rows)) terminal.line(line);
}

/** Rows that are written at once. */
const PIECE_ROWS = 1000;

async function read({ terminal }: CommandContext, flags: TableFlags): Promise<void> {
  if (flags.format !== 'ndjson') throw new AppError('usage', `--format ${flags.format} is not known: only ndjson is`);
  const [{ snapshot }, { readRows }, { rowJson }] = await Promise.all([
    openSnapshot(flags),
    import('../../storage/scan/table-read.ts'),
    import('../../storage/types/row-json.ts'),
  ]);
  const limit = flags.limit === undefined ? Number.POSITIVE_INFINITY : numberOf('limit', flags.limit);
  const columns = flags.columns?.split(',').map((name) => name.trim());
  const toJson = rowJson(snapshot.schema);
  let left = limit;
  let piece: string[] = [];
  if (left > 0) {
    for await (const row of readRows(snapshot, columns === undefined ? {} : { columns })) {
      piece.push(toJson(row));
      left -= 1;
      if (piece.length >= PIECE_ROWS) {
        await terminal.raw(`${piece.join('\n')}\n`);
        piece = [];
      }
      if (left <= 0) break;
    }
  }
  if (piece.length > 0) await terminal.raw(`${piece.join('\n')}\n`);
}
