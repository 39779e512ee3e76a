import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { CommitOutcome } from '../../storage/transaction/commit-loop.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { progress } from '../progress.ts';
import { distinctNames } from './table-read.ts';
import { countOf, instantOf, openTableOf, type SourceFlags, withPath } from './table-source.ts';

/** Adds `table optimize | vacuum | restore`, which change a table. */
export function addMaintenanceCommands(table: Command, contextOf: ContextOf): void {
  withPath(table.command('optimize').description('write small files together; rows do not change'))
    .option('--where <expr>', 'only partitions for which it is true')
    .option('--zorder-by <a,b>', 'order rows by these columns, so that look-ups open few files')
    .option('--full', 'order all files of a clustered table anew')
    .option('--file-bytes <n>', 'bytes of a file (default: as the table asks for)')
    .addHelpText(
      'after',
      `
Each group of files is a commit of its own: killed and run again it goes on.

Examples:
  sentinela table optimize --path data/lake/silver/transactions --where "day < DATE '2026-07-01'"
  sentinela table optimize --path s3://bucket/lake/events --zorder-by account,day`,
    )
    .action((flags: OptimizeFlags, command: Command) => optimize(contextOf(command), flags));
  withPath(table.command('vacuum').description('delete files that no version within the retention needs'))
    .option('--retention <time>', 'how long files are kept, "7 days" (default: as the table says)')
    .option('--allow-short-retention', 'take less than the table says: readers under way may lose their files')
    .option('--mode <name>', 'full lists the folder, lite reads the commits since the last vacuum', 'full')
    .option('--dry-run', 'tell what would go, and delete nothing')
    .addHelpText('after', '\nExample:\n  sentinela table vacuum --path data/lake/silver/transactions --dry-run')
    .action((flags: VacuumFlags, command: Command) => vacuum(contextOf(command), flags));
  withPath(table.command('restore').description('make the table what it was, in a new commit'))
    .option('--version <n>', 'to this version')
    .option('--timestamp <t>', 'to the version of then')
    .option('--ignore-missing-files', 'leave out files that were vacuumed, with their rows')
    .option('--beside-vacuum', 'also where a vacuum began and did not end: it died')
    .addHelpText('after', '\nExample:\n  sentinela table restore --path data/lake/gold/daily_payments --version 12')
    .action((flags: RestoreFlags, command: Command) => restore(contextOf(command), flags));
}

interface OptimizeFlags {
  readonly path: string;
  readonly where?: string;
  readonly zorderBy?: string;
  readonly full?: boolean;
  readonly fileBytes?: string;
}

async function optimize({ terminal }: CommandContext, flags: OptimizeFlags): Promise<void> {
  const zOrderBy = distinctNames('zorder-by', flags.zorderBy);
  const fileBytes = flags.fileBytes === undefined ? undefined : countOf('file-bytes', flags.fileBytes);
  const bar = progress('optimizing');
  const figures = await (await openTableOf(flags)).optimize({
    ...(flags.where === undefined ? {} : { where: flags.where }),
    ...(zOrderBy === undefined ? {} : { zOrderBy }),
    ...(flags.full === undefined ? {} : { full: flags.full }),
    ...(fileBytes === undefined ? {} : { fileBytes }),
    onProgress: ({ done, bins }) => bar.update(done, bins),
  });
  bar.end();
  terminal.value(figures);
  terminal.line(
    figures.commits === 0 && figures.conflicts === 0
      ? 'nothing to do'
      : `version ${figures.version}: ${count(figures.filesRemoved)} files of ${count(figures.bytesRemoved)} bytes became ` +
          `${count(figures.filesAdded)} of ${count(figures.bytesAdded)}, in ${figures.commits} commits`,
  );
  if (figures.conflicts > 0)
    terminal.note(`${figures.conflicts} groups were changed by others meanwhile: run it again`);
}

interface VacuumFlags {
  readonly path: string;
  readonly retention?: string;
  readonly allowShortRetention?: boolean;
  readonly mode: string;
  readonly dryRun?: boolean;
}

async function vacuum({ terminal }: CommandContext, flags: VacuumFlags): Promise<void> {
  const { mode } = flags;
  if (mode !== 'full' && mode !== 'lite') throw new AppError('usage', `--mode ${mode} is not known: full and lite are`);
  const retentionMs = await durationOf('retention', flags.retention);
  const report = await (await openTableOf(flags)).vacuum({
    mode,
    dryRun: flags.dryRun === true,
    allowShortRetention: flags.allowShortRetention === true,
    ...(retentionMs === undefined ? {} : { retentionMs }),
  });
  terminal.value({ dryRun: flags.dryRun === true, ...report });
  for (const key of report.keys) terminal.line(key);
  const left = report.files - report.keys.length;
  if (left > 0) terminal.line(`and ${count(left)} more`);
  const done = flags.dryRun === true ? 'would be deleted' : 'deleted';
  terminal.line(
    `${count(report.files)} files of ${count(report.sizeBytes)} bytes ${done}, unneeded since ${new Date(report.cutOffMs).toISOString()}`,
  );
}

interface RestoreFlags extends SourceFlags {
  readonly ignoreMissingFiles?: boolean;
  readonly besideVacuum?: boolean;
}

async function restore({ terminal }: CommandContext, flags: RestoreFlags): Promise<void> {
  const { version, timestamp } = flags;
  if ((version === undefined) === (timestamp === undefined)) {
    throw new AppError('usage', 'table restore takes --version or --timestamp, one of both');
  }
  const outcome = await (await openTableOf(flags)).restore({
    ...(version === undefined ? {} : { version: countOf('version', version) }),
    ...(timestamp === undefined ? {} : { timestampMs: await instantOf('timestamp', timestamp) }),
    ignoreMissingFiles: flags.ignoreMissingFiles === true,
    besideVacuum: flags.besideVacuum === true,
  });
  checkLanded(flags.path, outcome);
  terminal.value(outcome);
  terminal.line(
    outcome.kind === 'committed'
      ? `version ${outcome.version}: the table is what it was; ${count(outcome.files)} files came back`
      : `version ${outcome.version} is that already`,
  );
}

/** @throws AppError commit_conflict where another writer was first. */
export function checkLanded(
  path: string,
  outcome: CommitOutcome,
): asserts outcome is Exclude<CommitOutcome, { kind: 'conflict' }> {
  if (outcome.kind !== 'conflict') return;
  throw new AppError(
    'commit_conflict',
    `Another writer changed ${path} meanwhile (version ${outcome.version}, ${outcome.reason}); run it again`,
    { version: outcome.version },
  );
}

async function durationOf(flag: string, text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const { intervalMs } = await import('../../storage/log/table-properties.ts');
  const duration = intervalMs(text);
  if (duration === undefined)
    throw new AppError('usage', `--${flag} ${text} is no duration: write "7 days" or "12 hours"`);
  return duration;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
