import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { AppError } from '../../base/errors.ts';
import type { ExportManifest } from '../../training-export/manifest.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { stagedProgress } from '../progress.ts';
import { tableLines } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { addReplayOptions, type ReplayFlags, replayPortsOf } from './replay-options.ts';

interface ExtendFlags extends ReplayFlags {
  readonly to: string;
  readonly labelsAsOf?: string;
  readonly pin?: string;
  readonly leakage?: string;
}

/** A file that nobody has written to for so long was being written by a command that was killed: rows come every few seconds. */
const LEFT_BEHIND_MS = 3_600_000;

const HELP = `
New rows are payments before DATE that the export does not cover: those of new days, and those that came late. They get
files of their own (train.2.parquet, …), by the same options; the files that are there are not touched. Exits 5 where what
the export was made of is not what it was, and 3 while another process extends or replaces it.

Example:
  sentinela export extend training --to 2026-08-01 --labels-as-of 2026-11-01`;

/** Adds `export extend`. */
export function addExtendCommand(group: Command, contextOf: ContextOf): void {
  const command = group
    .command('extend <folder>')
    .description('bring the rows that came since an export was made')
    .requiredOption('--to <date>', 'payments before it')
    .option('--labels-as-of <date>', 'the instant of the labels of the new rows; without it, that of the export')
    .option('--pin <versions>', 'versions of tables, such as transactions@7,labels@4')
    .option(
      '--leakage <what>',
      'features that know what they should not: warn, fail (exits 5) or off; without it warn, or off where the export was made so',
    )
    .addHelpText('after', HELP)
    .action((folder: string, flags: ExtendFlags, called: Command) =>
      extend(contextOf(called), folder, flags, settingFlags(called)),
    );
  addReplayOptions(command, 'the folder that holds the export');
  addSettingOptions(command, ['dataDir']);
}

async function extend(
  { terminal, config }: CommandContext,
  folder: string,
  flags: ExtendFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dataDir, personalData, pseudonymKey } = await config(settings);
  if (!existsSync(folder)) throw new AppError('not_found', `there is no folder ${folder}`);
  const [
    { extendExport },
    { localObjectStore },
    { instantOf },
    { leakageOf, pinnedVersions },
    { leakText },
    { lockExport },
    { openPseudonyms },
    { openSourceTables },
  ] = await Promise.all([
    import('../../training-export/extend-export.ts'),
    import('../../storage/store/local-object-store.ts'),
    import('./flag-values.ts'),
    import('./export-flags.ts'),
    import('../../training-export/leakage-check.ts'),
    import('../export-folder.ts'),
    import('../pseudonym-key.ts'),
    import('../source-tables.ts'),
  ]);
  const request = {
    toMicros: instantOf('--to', flags.to),
    versions: pinnedVersions(flags.pin),
    maySeePersonalData: personalData === 'clear',
    ...(flags.leakage === undefined ? {} : { leakage: leakageOf(flags.leakage) }),
    ...(flags.labelsAsOf === undefined ? {} : { labelsAsOfMicros: instantOf('--labels-as-of', flags.labelsAsOf) }),
  };
  const files = localObjectStore(folder);
  const bar = stagedProgress();
  const ports = {
    ...(await replayPortsOf(flags, dirname(resolve(folder)), bar)),
    tables: openSourceTables(dataDir),
    files,
    pseudonyms: openPseudonyms(dataDir, pseudonymKey),
    onProgress: (rows: number, total: number) => bar.update('extending', rows, total),
  };
  const lock = await lockExport(folder);
  let manifest: ExportManifest;
  try {
    await files.discardUnfinished?.('', systemClock().nowMicros() / 1000 - LEFT_BEHIND_MS);
    manifest = await extendExport(request, ports);
  } finally {
    bar.end();
    await lock.release();
  }
  const part = manifest.extensions.length + 1;
  const fresh = manifest.files.filter((file) => file.part === part);
  const extension = manifest.extensions[part - 2];
  const { histograms: _, ...brought } = extension ?? {};
  terminal.value({ folder, part, ...brought, files: fresh });
  terminal.line(`${folder}: part ${part}, rows before ${flags.to}`);
  const rows = fresh.map(({ name, counts, sizeBytes }) => [
    name,
    counts.rows,
    counts.fraud,
    counts.notFraud,
    sizeBytes,
  ]);
  for (const line of tableLines([['file', 'rows', 'fraud', 'not fraud', 'bytes'], ...rows])) terminal.line(line);
  for (const finding of extension?.leakage?.findings ?? []) terminal.line(`warning: ${leakText(finding)}`);
}
