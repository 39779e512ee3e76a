import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { Formula } from '../../storage/expression/expressions.ts';
import { type StructType, structOf } from '../../storage/types/delta-type.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { type Progress, progress } from '../progress.ts';
import { formatOf, ROW_FORMATS, rowOutput } from './table-output.ts';
import { countOf, namesOf, openTableOf, type SourceFlags, snapshotOf, withPath, withTime } from './table-source.ts';

interface ReadFlags extends SourceFlags {
  readonly columns?: string;
  readonly where?: string;
  readonly limit?: string;
  readonly format: string;
}

const HELP = `
ndjson is a JSON object a line: int64 and decimals as exact numbers, NaN and Infinity as strings, binary as base64,
timestamps with microseconds and Z (those without a zone without it), a map as an array of [key, value]. csv is RFC 4180
with a header: null is empty, an empty text is "". arrow is an IPC stream. EXPR is Spark SQL, as in WHERE.

Examples:
  sentinela table read --path data/lake/silver/labels --limit 3
  sentinela table read --path data/lake/silver/transactions --columns end_to_end_id,amount_centavos \\
    --where "day = DATE '2026-07-01' AND amount_centavos > 100000" --format csv
  sentinela table read --path s3://bucket/lake/events --timestamp 2026-07-01T12:00:00Z --format arrow > events.arrows`;

/** Adds `table read`. */
export function addReadCommand(table: Command, contextOf: ContextOf): void {
  withTime(withPath(table.command('read').description('rows to stdout, in bounded memory')))
    .option('--columns <a,b>', 'only these columns, in this order')
    .option('--where <expr>', 'only rows for which it is true; files that cannot hold one are not opened')
    .option('--limit <n>', 'at most so many rows')
    .option('--format <name>', ROW_FORMATS.join(', '), 'ndjson')
    .addHelpText('after', HELP)
    .action((flags: ReadFlags, command: Command) => read(contextOf(command), flags));
}

async function read({ terminal }: CommandContext, flags: ReadFlags): Promise<void> {
  const format = formatOf(flags.format);
  const limit = flags.limit === undefined ? undefined : countOf('limit', flags.limit);
  const columns = distinctNames('columns', flags.columns);
  const snapshot = await snapshotOf(await openTableOf(flags), flags);
  const [{ readChunks }, { fieldsToRead }, where] = await Promise.all([
    import('../../storage/scan/table-read.ts'),
    import('../../storage/scan/read-options.ts'),
    conditionOf(snapshot.schema, flags.where),
  ]);
  const output = await rowOutput(terminal, format, structOf(fieldsToRead(snapshot, columns)));
  const bar = rowProgress('reading');
  let rows = 0;
  for await (const chunk of readChunks(snapshot, {
    ...(columns === undefined ? {} : { columns }),
    ...(where === undefined ? {} : { where }),
    ...(limit === undefined ? {} : { limit }),
  })) {
    await output.write(chunk.rows());
    rows += chunk.rowCount;
    bar.update(rows, where === undefined ? Math.min(snapshot.rowCount ?? 0, limit ?? Infinity) : undefined);
  }
  await output.end();
  bar.end();
}

/** The names of a list, each once; undefined without one. @throws AppError usage. */
export function distinctNames(flag: string, text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const names = namesOf(flag, text);
  if (new Set(names).size === names.length) return names;
  throw new AppError('usage', `--${flag} ${text} names a column twice`);
}

/** The condition of `--where` on a schema's rows. @throws AppError invalid_request. */
export async function conditionOf(schema: StructType, text: string | undefined): Promise<Formula | undefined> {
  if (text === undefined) return undefined;
  const [{ bindPredicate, parseExpression }, { systemClock }] = await Promise.all([
    import('../../storage/expression/expressions.ts'),
    import('../../base/clock.ts'),
  ]);
  return bindPredicate(parseExpression(text), schema, { now: BigInt(systemClock().nowMicros()) });
}

/** Progress beside rows: none where they are read by a person, among whose lines it would come. */
export function rowProgress(label: string): Progress {
  return process.stdout.isTTY ? { update: () => {}, end: () => {} } : progress(label);
}
