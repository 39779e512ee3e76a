import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError, messageOf, systemErrorCode } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { JoinFound, JoinSource, ValueView } from '../../training-export/join/join-request.ts';
import type { JoinFormat } from '../../training-export/join/join-values.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { progress } from '../progress.ts';
import { tableLines } from '../terminal.ts';
import { pathBeside, removeLeftBehind } from '../writing-folder.ts';
import { collected, spanOf } from './flag-values.ts';
import { openTableOf } from './table-source.ts';

/** What `features join` is called with. */
interface JoinFlags {
  readonly rows: string;
  readonly values: readonly string[];
  readonly out: string;
  readonly time: string;
  readonly knownTime?: string;
  readonly valueTime: string;
  readonly valueKnownTime?: string;
  readonly ttl?: string;
  readonly times?: boolean;
}

const JOIN_HELP = `
Each row gets, of each file of values, the value of its entity that happened last up to the row's time, of those that
were known by then. Files are Parquet, CSV, or the folder of a Delta table. Instants without a zone are UTC.

Examples:
  sentinela features join --rows payments.parquet --values payee_account=scores.parquet --out joined.parquet
  sentinela features join --rows payments.csv --time at --values payer_account=lake/payers \\
    --values payer_account,payee_account=pairs.parquet:score,seen_before --value-known-time loaded_at --ttl 30d \\
    --out joined.csv`;

/** `sentinela features join`. */
export function addFeatureJoinCommand(features: Command, contextOf: ContextOf): void {
  features
    .command('join')
    .description(
      'join feature values that are ready, from files or tables, to rows, as they were known at each row’s time',
    )
    .requiredOption('--rows <file>', 'rows: a file or table with the keys of entities and an instant')
    .requiredOption(
      '--values <KEY=FILE>',
      'values of the entity of a column, or of KEY,KEY; FILE:a,b for some columns',
      collected,
    )
    .requiredOption('--out <file>', 'the result, .parquet or .csv: the rows in their order, with the values behind')
    .option('--time <column>', 'instant of a row', 'event_time')
    .option(
      '--known-time <column>',
      'when what a row may know was known (known_time where the file has it, else its instant)',
    )
    .option('--value-time <column>', 'instant of a value', 'event_time')
    .option(
      '--value-known-time <column>',
      'when a value was known (known_time where the file has it, else its instant)',
    )
    .option('--ttl <span>', 'how old a value may be, such as 30d (any age)')
    .option('--times', 'a column with the instant of the value behind the values of each file')
    .addHelpText('after', JOIN_HELP)
    .action((flags: JoinFlags, command: Command) => joinFeatures(contextOf(command), flags));
}

/** One `--values`, read. */
interface ValuesFlag {
  readonly keys: readonly string[];
  readonly path: string;
  readonly columns: readonly string[] | null;
}

function valuesFlag(text: string): ValuesFlag {
  const [, keys = '', path = '', columns] = /^([^=]+)=([^:]+)(?::(.+))?$/.exec(text) ?? [];
  const names = (list: string): string[] => list.split(',').map((name) => name.trim());
  if (path === '' || names(keys).includes('')) {
    throw new AppError('usage', `--values ${text}: write KEY=FILE, such as payee_account=scores.parquet`);
  }
  return { keys: names(keys), path, columns: columns === undefined ? null : names(columns) };
}

function formatOf(out: string): JoinFormat {
  if (out.endsWith('.parquet')) return 'parquet';
  if (out.endsWith('.csv')) return 'csv';
  throw new AppError('usage', `--out ${out}: name a file that ends in .parquet or .csv`);
}

/** What the column with the known time is called by default, where there is one. */
const KNOWN_TIME = 'known_time';

function knownTimeOf({ columns }: JoinSource): string | null {
  return columns.some(({ name }) => name === KNOWN_TIME) ? KNOWN_TIME : null;
}

async function joinFeatures({ terminal }: CommandContext, flags: JoinFlags): Promise<void> {
  const [values, format, ttlMicros] = [
    flags.values.map(valuesFlag),
    formatOf(flags.out),
    flags.ttl === undefined ? null : spanOf('--ttl', flags.ttl),
  ];
  const [{ openDuckDb }, { joinSource }, { joinValues }] = await Promise.all([
    import('../../storage/parquet/duckdb.ts'),
    import('../../training-export/join/join-source.ts'),
    import('../../training-export/join/join-values.ts'),
  ]);
  const out = resolve(flags.out);
  await removeLeftBehind(out);
  const beside = await pathBeside(out, 'writing');
  const started = performance.now();
  const bar = progress('joining, in steps');
  try {
    mkdirSync(beside, { recursive: true, mode: 0o700 });
    const db = await openDuckDb({
      memoryLimitMb: LIMITS.joinMemoryMb,
      threads: availableParallelism(),
      temporaryFolder: beside,
    });
    try {
      const openDelta = async (path: string) => (await openTableOf({ path })).snapshot();
      const { time, valueTime } = flags;
      const opened = async (path: string, known: string | undefined, texts: readonly string[] | 'all') => {
        const source = await joinSource(db, path, texts, openDelta);
        return { ...source, knownTime: known ?? knownTimeOf(source) };
      };
      const rows = { ...(await opened(flags.rows, flags.knownTime, 'all')), time };
      const views: ValueView[] = [];
      for (const { path, keys, columns } of values) {
        const texts = [...keys, valueTime, flags.valueKnownTime ?? KNOWN_TIME];
        views.push({
          ...(await opened(path, flags.valueKnownTime, texts)),
          keys,
          wanted: columns,
          time: valueTime,
          ttlMicros,
        });
      }
      const path = join(beside, `joined.${format}`);
      const request = { rows, views, withTimes: flags.times === true };
      const found = await joinValues(db, request, { path, format }, (done, steps) => bar.update(done, steps));
      renameSync(path, out);
      tell(terminal, flags.out, found, (performance.now() - started) / 1000);
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof AppError || systemErrorCode(error) === undefined) throw error;
    throw new AppError('storage_failed', `${flags.out} cannot be written: ${messageOf(error)}`, {}, error);
  } finally {
    bar.end();
    rmSync(beside, { recursive: true, force: true });
  }
}

function tell(
  terminal: CommandContext['terminal'],
  out: string,
  { rows, columns, views }: JoinFound,
  seconds: number,
): void {
  terminal.value({ out, rows, columns, views, seconds });
  terminal.line(`${out}: ${rows.toLocaleString('en-US')} rows, ${columns.length} columns, in ${seconds.toFixed(1)} s`);
  const head = ['values of', 'values', 'rows with one', 'too old', 'none'];
  for (const line of tableLines([
    head,
    ...views.map(({ name, values, found, expired, missing }) => [name, values, found, expired, missing]),
  ])) {
    terminal.line(line);
  }
}
