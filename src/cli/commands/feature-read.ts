import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { CellRow } from '../../storage/types/cell.ts';
import type { History, HistoryRows } from '../../training-export/read-history.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { stagedProgress } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { collected } from './flag-values.ts';
import { addReplayOptions, type ReplayFlags, replayPortsOf } from './replay-options.ts';
import { SET_HELP } from './set-option.ts';
import { formatOf, ROW_FORMATS, type RowFormatName, rowOutput } from './table-output.ts';

/** What `features read` is called with. */
interface ReadFlags extends ReplayFlags {
  readonly payments?: string;
  readonly rows?: string;
  readonly entity?: readonly string[];
  readonly time?: string;
  readonly knownTime?: string;
  readonly paymentId?: string;
  readonly features: string;
  readonly format: string;
  readonly statuses?: boolean;
}

/** `sentinela features read`. */
export function addFeatureReadCommand(features: Command, contextOf: ContextOf): void {
  const read = features
    .command('read')
    .description('features as payments had them when scored, or as they were known at an instant, to stdout')
    .option('--payments <file>', 'recorded payments: a file with end_to_end_id and side (CSV, Parquet or Arrow)')
    .option('--rows <file>', 'rows of your own, as export create takes them: each sees what was known then')
    .option('--entity <name=column>', 'what the file of --rows calls one of our columns', collected)
    .option('--time <column>', 'its event time (event_time)')
    .option('--known-time <column>', 'when what a row may know was known (known_time, else the event time)')
    .option('--payment-id <column>', 'the payment that a row is of and does not see (end_to_end_id)')
    .requiredOption('--features <set>', `feature set: ${SET_HELP}; or SET:name,name for some of its features`)
    .option('--format <name>', `how rows are written: ${ROW_FORMATS.join(', ')}`, 'arrow')
    .option('--statuses', 'a column <feature>__status behind each feature')
    .addHelpText(
      'after',
      `
Examples:
  sentinela features read --payments scored.csv --features pix-core > features.arrows
  sentinela features read --rows mine.parquet --entity payer_account=account --time at \\
    --features pix-core:payer_count_24h,payer_max_30d --format csv`,
    )
    .action((flags: ReadFlags, command: Command) => readFeatures(contextOf(command), flags, settingFlags(command)));
  addReplayOptions(read, 'the folder of temporary files');
  addSettingOptions(read, ['dataDir']);
}

async function readFeatures(
  { terminal, config }: CommandContext,
  flags: ReadFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const format = formatOf(flags.format);
  const { dataDir } = await config(settings);
  const [{ findFeatures }, { readHistory }, { openSourceTables }] = await Promise.all([
    import('../feature-sets.ts'),
    import('../../training-export/read-history.ts'),
    import('../source-tables.ts'),
  ]);
  const bar = stagedProgress();
  const ports = await replayPortsOf(flags, tmpdir(), bar);
  const { set, features } = await findFeatures(flags.features, dataDir);
  const of = await rowsOf(flags);
  const request = { of, features, withStatuses: flags.statuses === true, versions: {} };
  await writeHistory(terminal, format, await readHistory(openSourceTables(dataDir), set, request, ports)).finally(() =>
    bar.end(),
  );
}

async function rowsOf(flags: ReadFlags): Promise<HistoryRows> {
  const [{ mappingOf }, { openRowsFile }, { readPayments }, { readUserRows }, { toldAs }] = await Promise.all([
    import('./export-flags.ts'),
    import('../rows-file.ts'),
    import('../payments-file.ts'),
    import('../../training-export/user-rows.ts'),
    import('../told-as.ts'),
  ]);
  const mapping = mappingOf(flags);
  const { payments, rows } = flags;
  if (payments !== undefined && rows === undefined) {
    const file = await toldAs('--payments', () => openRowsFile(payments));
    return { kind: 'payments', payments: await readPayments(file) };
  }
  if (rows !== undefined && payments === undefined) {
    return { kind: 'own', rows: await readUserRows(await openRowsFile(rows), mapping) };
  }
  throw new AppError('usage', 'name either --payments, which are recorded, or --rows of your own');
}

async function writeHistory(terminal: Terminal, format: RowFormatName, history: History): Promise<void> {
  if (format === 'arrow') {
    // With what the columns mean in its schema, which rows of a table have not.
    const { arrowPieces } = await import('../../training-export/arrow-pieces.ts');
    for await (const bytes of arrowPieces(history.schema, history.dictionary, history.pieces()))
      await terminal.raw(bytes);
    return;
  }
  const { cellAt } = await import('../../training-export/split-file.ts');
  const names = history.schema.fields.map(({ name }) => name);
  const output = await rowOutput(terminal, format, history.schema);
  for await (const { columns, rows } of history.pieces()) {
    const cells = Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(names.map((name, at) => [name, cellAt(columns[at], row)])),
    );
    await output.write(cells as CellRow[]);
  }
  await output.end();
}
