import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import { typeName } from '../../storage/types/delta-type.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { tableLines } from '../terminal.ts';
import { checkLanded } from './table-maintenance.ts';
import { countOf, openTableOf, type SourceFlags, snapshotOf, withPath, withTime } from './table-source.ts';

/** Adds `table show | describe | history | fsck`, which tell of a table. */
export function addDescribeCommands(table: Command, contextOf: ContextOf): void {
  withTime(withPath(table.command('show').description('version, schema, files and rows')))
    .addHelpText('after', '\nExample:\n  sentinela table show --path data/lake/silver/transactions')
    .action((flags: SourceFlags, command: Command) => show(contextOf(command), flags));
  withPath(table.command('describe').description('properties, features, sizes, and how its log lies there'))
    .addHelpText('after', '\nExample:\n  sentinela table describe --path s3://bucket/lake/events --json')
    .action((flags: SourceFlags, command: Command) => describe(contextOf(command), flags));
  withPath(table.command('history').description('commits, the newest first'))
    .option('--limit <n>', 'how many', '20')
    .addHelpText('after', '\nExample:\n  sentinela table history --path data/lake/gold/daily_payments --limit 5')
    .action((flags: HistoryFlags, command: Command) => history(contextOf(command), flags));
  withPath(table.command('fsck').description('hold the table against what its log says; exit code 5 where they differ'))
    .option('--repair', 'take files that are gone out of the table: their rows are lost, the rest can be read')
    .addHelpText('after', '\nExample:\n  sentinela table fsck --path data/lake/silver/transactions')
    .action((flags: FsckFlags, command: Command) => fsck(contextOf(command), flags));
}

async function show({ terminal }: CommandContext, flags: SourceFlags): Promise<void> {
  const snapshot = await snapshotOf(await openTableOf(flags), flags);
  const rows = snapshot.rowCount ?? null;
  const sizeBytes = snapshot.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const fields = snapshot.schema.fields.map(({ name, type, nullable }) => ({ name, type, nullable }));
  const { version, partitionColumns, protocol, fileCount: files } = snapshot;
  terminal.value({ path: flags.path, version, rows, files, sizeBytes, partitionColumns, protocol, fields });
  terminal.line(`${terminal.bold(flags.path)}  version ${version}`);
  terminal.line(`${rows === null ? 'unknown' : count(rows)} rows in ${files} files, ${count(sizeBytes)} bytes`);
  terminal.line(
    `reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}; partitioned by ${partitionColumns.join(', ') || 'nothing'}`,
  );
  for (const { name, type } of fields) terminal.line(`  ${name}  ${typeName(type)}`);
}

async function describe({ terminal }: CommandContext, flags: SourceFlags): Promise<void> {
  const [table, { stringifyExactJson }] = await Promise.all([openTableOf(flags), import('../../base/exact-json.ts')]);
  const description = await table.describe();
  // Row ids are of 64 bits.
  if (terminal.json) await terminal.raw(`${stringifyExactJson(description)}\n`);
  const times = new Set(['createdMs', 'modifiedMs']);
  for (const [name, value] of Object.entries(description)) {
    if (value === undefined) continue;
    const text = typeof value === 'object' ? stringifyExactJson(value) : String(value);
    const shown = times.has(name) ? new Date(Number(value)).toISOString() : text;
    terminal.line(`${name.replace(/Ms$/, '').padEnd(19)} ${shown}`);
  }
}

interface HistoryFlags extends SourceFlags {
  readonly limit: string;
}

async function history({ terminal }: CommandContext, flags: HistoryFlags): Promise<void> {
  const [table, { stringifyExactJson }] = await Promise.all([openTableOf(flags), import('../../base/exact-json.ts')]);
  const entries = await table.history(countOf('limit', flags.limit));
  const rows: (string | number)[][] = [['version', 'time', 'operation', 'metrics']];
  for (const { version, timestampMs, operation, commitInfo } of entries) {
    const time = new Date(timestampMs).toISOString();
    const metrics = commitInfo.operationMetrics ?? {};
    // Numbers of a log may be beyond 2^53.
    const value = { version, time, operation: operation ?? null, metrics };
    if (terminal.json) await terminal.raw(`${stringifyExactJson(value)}\n`);
    rows.push([version, time, operation ?? '', stringifyExactJson(metrics)]);
  }
  for (const line of tableLines(rows)) terminal.line(line);
}

interface FsckFlags {
  readonly path: string;
  readonly repair?: boolean;
}

async function fsck({ terminal }: CommandContext, flags: FsckFlags): Promise<void> {
  const report = await (await openTableOf(flags)).check({ repair: flags.repair === true });
  const { version, files, findings, repair } = report;
  terminal.value({ version, files, findings, repair: repair ?? null });
  for (const { kind, key, detail } of findings) terminal.line(`${kind}  ${key}: ${detail}`);
  if (repair !== undefined) {
    checkLanded(flags.path, repair);
    terminal.line(`version ${repair.version}: files that are gone are out of the table`);
  }
  const lost = repair === undefined ? 0 : findings.filter(({ kind }) => kind === 'missing_file').length;
  if (findings.length > lost) {
    throw new AppError(
      'table_damaged',
      `The table ${flags.path} is not what its log says, at version ${version}: ${findings.length - lost} found`,
      {
        version,
        faults: findings.length - lost,
      },
    );
  }
  if (findings.length === 0) terminal.line(`version ${version}: ${count(files)} files, all as the log says`);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
