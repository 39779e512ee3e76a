import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { LeakFinding } from '../../training-export/leakage-check.ts';
import type { ExportManifest } from '../../training-export/manifest.ts';
import type { UserRows } from '../../training-export/user-rows.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { stagedProgress } from '../progress.ts';
import { tableLines } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import type { ExportFlags } from './export-flags.ts';
import { collected } from './flag-values.ts';
import { addReplayOptions, replayPortsOf } from './replay-options.ts';
import { SET_HELP } from './set-option.ts';

const CREATE_HELP = `
Rows are the payments of silver.transactions, a row a side, with the features that they had when they were scored and
the label that they may know. DATE is YYYY-MM-DD (00:00 UTC, exclusive) or an instant such as 2026-07-01T12:00:00Z. The
same command over the same versions gives the same bytes.

Examples:
  sentinela export create --from silver.transactions --features pix-core --labels-as-of 2026-08-29 --out training
  sentinela export create --from silver.transactions@12 --features pix-core --labels-as-of 2026-08-29 --horizon 30d \\
    --split time:2026-06-19,2026-07-09 --out training
  sentinela export create --from silver.transactions --features pix-core --labels-as-of 2026-08-29 --out training \\
    --where "side = 'PAYER' AND local_instrument = 'DICT'" --split group:payer=80/10/10 --sample-negatives 0.05 --seed 7
  sentinela export create --from silver.transactions --features pix-core --labels-as-of 2026-08-29 --out training \\
    --rows mine.parquet --entity payer_account=account --time at --label fraud`;

/** Adds `export create`. */
export function addCreateCommand(group: Command, contextOf: ContextOf): void {
  const command = group
    .command('create')
    .description('write a training set: a file a split, and a manifest')
    .requiredOption('--from <table>', 'silver.transactions, or silver.transactions@VERSION')
    .requiredOption('--features <set>', `feature set: ${SET_HELP}`)
    .requiredOption('--labels-as-of <date>', 'labels known at this instant or later do not exist')
    .requiredOption('--out <folder>', 'folder to write; an earlier export in it is replaced')
    .option('--horizon <span>', 'how long after its payment a label may come', '91d')
    .option('--to <date>', 'only payments before it; export extend brings later ones')
    .option('--from-decisions', 'features as they were served, and how they compare with recomputed ones')
    .option('--rows <file>', 'rows of your own: CSV with a header, Parquet or Arrow')
    .option('--entity <name=column>', 'what the file calls one of our columns, such as payer_account', collected)
    .option('--time <column>', 'its event time (event_time)')
    .option('--known-time <column>', 'when what a row may know was known (known_time, else the event time)')
    .option('--payment-id <column>', 'the payment that a row is of and does not see (end_to_end_id)')
    .option('--label <column>', 'its label: 1, 0 or empty (label)')
    .option('--maturity <span>', 'how long after its payment no label means no fraud (the horizon)')
    .option(
      '--unobserved <what>',
      'keep or drop: rows whose outcome nobody saw (rejected, held); weigh: the control group stands for them',
      'keep',
    )
    .option('--where <expr>', 'only payments for which it is true: SQL over silver.transactions')
    .option(
      '--split <cuts>',
      'time:A,B: train before A, validation from A, test from B; group:ENTITY=a/b/c: shares of its ids; or each once',
      collected,
    )
    .option(
      '--embargo <what>',
      'of --split time:A,B, drop or keep: rows before A whose labels may come after A',
      'drop',
    )
    .option('--counted <states>', 'states of a contest that are fraud', 'AGREED')
    .option('--sample-negatives <p>', 'keep this share of rows with label 0, with weight 1/p; never of test')
    .option('--seed <n>', 'what draws rows (--sample-negatives) and groups (--split group:…); 0 without it')
    .option('--double', 'features as doubles; models are given floats')
    .option('--status <how>', 'why features have a value or none: columns (one a feature) or packed (one for all)')
    .option('--personal <how>', 'ids of people: pseudonym (keyed, they still join), clear or none', 'pseudonym')
    .option('--ids <columns>', 'which ids', 'payer_account,payee_account')
    .option('--event-keys', 'where each event was recorded: journal and position')
    .option('--format <name>', 'parquet, arrow (IPC file), arrow-stream, csv or delta (a table a split)', 'parquet')
    .option('--leakage <what>', 'features that know what they should not: warn, fail (exits 5) or off', 'warn')
    .option('--pin <versions>', 'versions of the other tables, such as decisions@3,labels@4,epochs@2,corrections@5')
    .addHelpText('after', CREATE_HELP)
    .action((flags: ExportFlags, called: Command) => createTrainingSet(contextOf(called), flags, settingFlags(called)));
  addReplayOptions(command, 'the folder that holds the export');
  addSettingOptions(command, ['dataDir']);
}

async function createTrainingSet(
  { terminal, config }: CommandContext,
  flags: ExportFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dataDir, personalData, pseudonymKey } = await config(settings);
  const [{ exportOptionsOf }, { findFeatureSet }] = await Promise.all([
    import('./export-flags.ts'),
    import('../feature-sets.ts'),
  ]);
  const chosen = exportOptionsOf(flags, await findFeatureSet(flags.features, dataDir));
  const rows = await userRows(flags);
  const options = rows === undefined ? chosen : { ...chosen, rows };
  if (options.ids?.form === 'clear' && personalData !== 'clear') {
    const hint =
      'set SENTINELA_PERSONAL_DATA=clear if you may see personal data, or take pseudonyms, which join as well';
    throw new AppError('not_allowed', `--personal clear writes personal data: ${hint}`);
  }
  const [
    { createExport },
    { pandasLines },
    { leakText },
    { fillExportFolder },
    { openPseudonyms },
    { openSourceTables },
  ] = await Promise.all([
    import('../../training-export/create-export.ts'),
    import('../../training-export/export-lines.ts'),
    import('../../training-export/leakage-check.ts'),
    import('../export-folder.ts'),
    import('../pseudonym-key.ts'),
    import('../source-tables.ts'),
  ]);
  const tables = openSourceTables(dataDir);
  const bar = stagedProgress();
  const replayed = await replayPortsOf(flags, dirname(resolve(flags.out)), bar);
  const started = performance.now();
  let manifest: ExportManifest;
  try {
    manifest = await fillExportFolder(flags.out, (files) =>
      createExport(options, {
        ...replayed,
        tables,
        files,
        pseudonyms: openPseudonyms(dataDir, pseudonymKey),
        onProgress: (rows, total) => bar.update('exporting', rows, total),
      }),
    );
  } finally {
    bar.end();
  }
  const seconds = (performance.now() - started) / 1000;
  // What is long and in the manifest is not said again.
  const { featureSet, columns: _columns, histograms: _histograms, ...rest } = manifest;
  terminal.value({
    out: flags.out,
    featureSet: { name: featureSet.name, version: featureSet.version },
    ...rest,
    seconds,
  });
  for (const line of summaryLines(manifest, flags.out, seconds, leakText)) terminal.line(line);
  terminal.line('');
  for (const line of pandasLines(manifest, flags.out)) terminal.line(line);
}

/** The rows of `--rows`, whole or not at all. */
async function userRows(flags: ExportFlags): Promise<UserRows | undefined> {
  const [{ mappingOf }, { openRowsFile }, { readUserRows }] = await Promise.all([
    import('./export-flags.ts'),
    import('../rows-file.ts'),
    import('../../training-export/user-rows.ts'),
  ]);
  const mapping = mappingOf(flags);
  return flags.rows === undefined ? undefined : readUserRows(await openRowsFile(flags.rows), mapping);
}

function summaryLines(
  manifest: ExportManifest,
  out: string,
  seconds: number,
  leakText: (finding: LeakFinding) => string,
): string[] {
  const { files, featureSet, tables, rows, embargoRows, crossedRows, sampledOutRows, knownAssumedRows } = manifest;
  const number = (value: number): string => value.toLocaleString('en-US');
  const rate = number(Math.round(rows / Math.max(0.001, seconds)));
  const head = ['file', 'rows', 'fraud', 'not fraud', 'contested', 'censored', 'unobserved', 'bytes'];
  const lines = [
    `${out}: ${number(rows)} rows ${manifest.rowsFile === null ? 'of' : 'of your own over'} silver.transactions@${tables['silver/transactions']}, ` +
      `${manifest.features.length} features of ${featureSet.name}@${featureSet.version} in ${seconds.toFixed(1)} s (${rate} rows/s)`,
    ...tableLines([
      head,
      ...files.map(({ name, counts, sizeBytes }) => [
        name,
        counts.rows,
        counts.fraud,
        counts.notFraud,
        counts.contested,
        counts.censored,
        counts.unobserved,
        sizeBytes,
      ]),
    ]),
  ];
  if (embargoRows > 0) {
    lines.push(`${number(embargoRows)} rows before the first cut are in no file: their labels may come after it`);
  }
  if (crossedRows > 0)
    lines.push(`${number(crossedRows)} rows are in no file: time and group put them in different splits`);
  if (manifest.unobservedRows !== null)
    lines.push(`${number(manifest.unobservedRows)} rows whose outcome nobody saw are left out`);
  if (sampledOutRows > 0)
    lines.push(`${number(sampledOutRows)} rows with label 0 are left out; the weights of others stand for them`);
  if (manifest.served !== null) {
    const { comparedValues, differingValues, differingRows, notServed } = manifest.served;
    lines.push(
      `${number(comparedValues)} served values were recomputed: ${number(differingValues)} differ, in ${number(differingRows)} rows`,
      `${number(notServed)} rows were not served by this version of the set and are left out`,
    );
  }
  if (manifest.rowsFile !== null) {
    lines.push('rows are of your own file: each sees what was known at its known time (reconstructed)');
    if (manifest.rowsFile.ignored.length > 0)
      lines.push(`columns that nothing reads: ${manifest.rowsFile.ignored.join(', ')}`);
  }
  const { unknownPaymentRows = 0 } = manifest;
  if (unknownPaymentRows > 0) {
    lines.push(`${number(unknownPaymentRows)} rows name a payment that the lake does not know: no label`);
  }
  if (knownAssumedRows > 0) lines.push(`${number(knownAssumedRows)} rows were imported with an assumed known time`);
  for (const finding of manifest.leakage?.findings ?? []) lines.push(`warning: ${leakText(finding)}`);
  return lines;
}
