import type { Command } from 'commander';
import type { CommandContext, ContextOf } from '../command-context.ts';
import type { IdleJournals } from '../lake-access.ts';
import { progress } from '../progress.ts';
import { addSettingOptions, settingFlags } from './config.ts';

interface ImportFlags {
  readonly mapping?: string;
  readonly labels?: string;
  readonly corrections?: string;
}

/** `sentinela import FILE`. */
export function addImportCommand(program: Command, contextOf: ContextOf): void {
  const command = program
    .command('import <file>')
    .description('bring payments from a file (CSV or NDJSON, plain or gzip) into the lake')
    .option('--mapping <file>', 'YAML: which column is which field; without it lines are bodies of POST /v1/score')
    .option('--labels <file>', 'NDJSON: bodies of POST /v1/labels')
    .option('--corrections <file>', 'NDJSON: bodies of POST /v1/corrections')
    .addHelpText(
      'after',
      `
What the file lacks is null, never invented; lines that cannot be read go to quarantine with their number. Killed and run
again it goes on; run twice it does nothing. Refused while a server runs on the same folder.

Examples:
  sentinela import payments.ndjson --labels payments.ndjson.labels.ndjson
  sentinela import payments.ndjson --corrections payments.ndjson.corrections.ndjson
  sentinela import card-payments.csv.gz --mapping docs/examples/handbook/import.yaml`,
    )
    .action((file: string, flags: ImportFlags, self: Command) => run(contextOf(self), file, flags, settingFlags(self)));
  addSettingOptions(command, ['dataDir']);
}

async function run(
  { terminal, config }: CommandContext,
  file: string,
  flags: ImportFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dataDir } = await config(settings);
  const [{ drainJournals, lockImports, openLakeOf }, { dataFolders }, { importFile }] = await Promise.all([
    import('../lake-access.ts'),
    import('../data-folders.ts'),
    import('../../pipeline/import-file.ts'),
  ]);
  const alone = await lockImports(dataFolders(dataDir));
  let journals: IdleJournals | undefined;
  const bar = progress('importing');
  const started = performance.now();
  try {
    const access = await openLakeOf(dataDir);
    journals = await drainJournals(access, 'refuse');
    const figures = await importFile(
      {
        file,
        ...(flags.mapping === undefined ? {} : { mapping: flags.mapping }),
        ...(flags.labels === undefined ? {} : { labels: flags.labels }),
        ...(flags.corrections === undefined ? {} : { corrections: flags.corrections }),
        onProgress: ({ readBytes, totalBytes }) => bar.update(readBytes, totalBytes),
      },
      access.ports,
    );
    bar.end();
    const seconds = (performance.now() - started) / 1000;
    terminal.value({ file, ...figures, seconds });
    const { alreadyImported, journalId, epoch, ...counts } = figures;
    if (alreadyImported) terminal.line(`${file} was imported before: nothing was written`);
    else {
      const parts = Object.entries(counts).map(([name, count]) => `${Number(count).toLocaleString('en-US')} ${name}`);
      terminal.line(`${file}: ${parts.join(', ')} in ${seconds.toFixed(1)} s`);
    }
  } finally {
    bar.end();
    await journals?.release();
    await alone.release();
  }
}
