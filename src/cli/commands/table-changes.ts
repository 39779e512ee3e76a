import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import { structOf } from '../../storage/types/delta-type.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { formatOf, ROW_FORMATS, rowOutput } from './table-output.ts';
import { conditionOf, distinctNames, rowProgress } from './table-read.ts';
import { countOf, instantOf, openTableOf, withPath } from './table-source.ts';

interface ChangesFlags {
  readonly path: string;
  readonly from?: string;
  readonly to?: string;
  readonly fromTimestamp?: string;
  readonly toTimestamp?: string;
  readonly columns?: string;
  readonly where?: string;
  readonly limit?: string;
  readonly format: string;
}

const HELP = `
Rows have the table's columns, then _change_type (insert, delete, update_preimage, update_postimage), _commit_version and
_commit_timestamp; both ends belong to the range. The table must have recorded its changes: delta.enableChangeDataFeed.

Examples:
  sentinela table changes --path lake/accounts --from 12 --to 20
  sentinela table changes --path lake/accounts --from-timestamp 2026-07-01 --where "_change_type = 'delete'" --format csv`;

/** Adds `table changes`. */
export function addChangesCommand(table: Command, contextOf: ContextOf): void {
  withPath(table.command('changes').description('rows that commits changed (change data feed), in order of versions'))
    .option('--from <n>', 'first version')
    .option('--to <n>', 'last version (default: the newest)')
    .option('--from-timestamp <t>', 'first commit at or after it')
    .option('--to-timestamp <t>', 'last commit at or before it')
    .option('--columns <a,b>', 'only these columns, in this order')
    .option('--where <expr>', 'only rows for which it is true')
    .option('--limit <n>', 'at most so many rows')
    .option('--format <name>', ROW_FORMATS.join(', '), 'ndjson')
    .addHelpText('after', HELP)
    .action((flags: ChangesFlags, command: Command) => changes(contextOf(command), flags));
}

async function changes({ terminal }: CommandContext, flags: ChangesFlags): Promise<void> {
  const format = formatOf(flags.format);
  const limit = flags.limit === undefined ? undefined : countOf('limit', flags.limit);
  const columns = distinctNames('columns', flags.columns);
  const range = await rangeOf(flags);
  const feed = await (await openTableOf(flags)).changes(range);
  const where = await conditionOf(feed.schema, flags.where);
  const { fieldsToRead } = await import('../../storage/scan/read-options.ts');
  const shown = structOf(fieldsToRead({ table: flags.path, schema: feed.schema }, columns));
  const output = await rowOutput(terminal, format, shown);
  const bar = rowProgress('reading changes');
  let rows = 0;
  for await (const chunk of feed.chunks({
    ...(columns === undefined ? {} : { columns }),
    ...(where === undefined ? {} : { where }),
    ...(limit === undefined ? {} : { limit }),
  })) {
    await output.write(chunk.rows());
    rows += chunk.rowCount;
    bar.update(rows);
  }
  await output.end();
  bar.end();
}

async function rangeOf({ from, to, fromTimestamp, toTimestamp }: ChangesFlags) {
  if ((from === undefined) === (fromTimestamp === undefined)) {
    throw new AppError('usage', 'table changes takes --from or --from-timestamp, one of both');
  }
  if (to !== undefined && toTimestamp !== undefined) {
    throw new AppError('usage', '--to and --to-timestamp exclude each other');
  }
  return {
    ...(from === undefined ? {} : { fromVersion: countOf('from', from) }),
    ...(to === undefined ? {} : { toVersion: countOf('to', to) }),
    ...(fromTimestamp === undefined ? {} : { fromTimestampMs: await instantOf('from-timestamp', fromTimestamp) }),
    ...(toTimestamp === undefined ? {} : { toTimestampMs: await instantOf('to-timestamp', toTimestamp) }),
  };
}
