import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { stagedProgress } from '../progress.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { addCreateCommand } from './export-create.ts';
import { addDiffCommand } from './export-diff.ts';
import { addExplainCommand } from './export-explain.ts';
import { addExtendCommand } from './export-extend.ts';
import { addInspectCommands } from './export-inspect.ts';
import { addReplayOptions, type ReplayFlags, replayPortsOf } from './replay-options.ts';

/** `sentinela export create | list | show | diff | explain | extend | verify`. */
export function addExportCommand(program: Command, contextOf: ContextOf): void {
  const group = program.command('export').description('training sets, reproducible to the byte');
  addCreateCommand(group, contextOf);
  addInspectCommands(group, contextOf);
  addDiffCommand(group, contextOf);
  addExtendCommand(group, contextOf);
  addExplainCommand(group, contextOf);
  const verify = group
    .command('verify <folder>')
    .description('make an export again from what its manifest names and compare; exits 5 where anything differs')
    .option('--rows <file>', 'your own file, where the export is made of one')
    .addHelpText('after', '\nExample:\n  sentinela export verify training')
    .action((folder: string, flags: VerifyFlags, command: Command) =>
      verifyTrainingSet(contextOf(command), folder, flags, settingFlags(command)),
    );
  addReplayOptions(verify, 'the folder of temporary files');
  addSettingOptions(verify, ['dataDir']);
}

/** What `export verify` is called with. */
interface VerifyFlags extends ReplayFlags {
  readonly rows?: string;
}

async function verifyTrainingSet(
  { terminal, config }: CommandContext,
  folder: string,
  flags: VerifyFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dataDir, pseudonymKey } = await config(settings);
  const [{ verifyExport }, { localObjectStore }, { openPseudonyms }, { openSourceTables }] = await Promise.all([
    import('../../training-export/verify-export.ts'),
    import('../../storage/store/local-object-store.ts'),
    import('../pseudonym-key.ts'),
    import('../source-tables.ts'),
  ]);
  const [{ openRowsFile }, { pathBeside, removeLeftBehind }] = await Promise.all([
    import('../rows-file.ts'),
    import('../writing-folder.ts'),
  ]);
  const file = flags.rows === undefined ? null : await openRowsFile(flags.rows);
  const bar = stagedProgress();
  const started = performance.now();
  const ports = {
    ...(await replayPortsOf(flags, tmpdir(), bar)),
    tables: openSourceTables(dataDir),
    files: localObjectStore(folder),
    pseudonyms: openPseudonyms(dataDir, pseudonymKey),
    onProgress: (rows: number, total: number) => bar.update('verifying', rows, total),
  };
  const target = join(resolve(flags.spillDir ?? tmpdir()), 'sentinela-verify');
  await removeLeftBehind(target);
  const again = await pathBeside(target, 'writing');
  const report = await verifyExport(ports, file, localObjectStore(again)).finally(async () => {
    bar.end();
    await rm(again, { recursive: true, force: true });
  });
  if (report.difference !== null) {
    throw new AppError('export_mismatch', `${folder} is not what is recomputed: ${report.difference}`, { folder });
  }
  const seconds = (performance.now() - started) / 1000;
  terminal.value({ folder, ...report, seconds });
  const rows = report.rows.toLocaleString('en-US');
  terminal.line(
    `${folder}: ${report.files} files are as their manifest says, and ${rows} rows are as recomputed (${seconds.toFixed(1)} s)`,
  );
}
