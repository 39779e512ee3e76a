import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import { didYouMean } from '../../base/nearest-name.ts';
import type { FeatureSet } from '../../features/feature-set.ts';
import type { CellRow } from '../../storage/types/cell.ts';
import type { History } from '../../training-export/read-history.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import type { Terminal } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { formatOf, ROW_FORMATS, type RowFormatName, rowOutput } from './table-output.ts';

/** What `features read` is called with. */
interface ReadFlags {
  readonly rows: string;
  readonly features: string;
  readonly format: string;
  readonly statuses?: boolean;
}

/** `sentinela features read`. */
export function addFeatureReadCommand(features: Command, contextOf: ContextOf): void {
  const read = features
    .command('read')
    .description('features of recorded payments as they had them when they were scored, to stdout')
    .requiredOption(
      '--rows <file>',
      'CSV or NDJSON with end_to_end_id and side, plain or gzip; the answer has its order',
    )
    .requiredOption('--features <set>', 'feature set, such as pix-core; or SET:name,name for some of its features')
    .option('--format <name>', `how rows are written: ${ROW_FORMATS.join(', ')}`, 'arrow')
    .option('--statuses', 'a column <feature>__status behind each feature')
    .addHelpText(
      'after',
      `
Examples:
  sentinela features read --rows payments.csv --features pix-core > features.arrows
  sentinela features read --rows payments.csv --features pix-core:payer_count_24h,pair_count_ever --format csv`,
    )
    .action((flags: ReadFlags, command: Command) => readFeatures(contextOf(command), flags, settingFlags(command)));
  addSettingOptions(read, ['dataDir']);
}

async function readFeatures(
  { terminal, config }: CommandContext,
  flags: ReadFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const format = formatOf(flags.format);
  const { dataDir } = await config(settings);
  const [{ shippedSet }, { readPaymentsFile }, { readHistory }, { openSourceTables }] = await Promise.all([
    import('../shipped-set.ts'),
    import('../payments-file.ts'),
    import('../../training-export/read-history.ts'),
    import('../source-tables.ts'),
  ]);
  const set = shippedSet();
  const features = featuresOf(set, flags.features);
  const payments = await readPaymentsFile(flags.rows);
  const request = { payments, features, withStatuses: flags.statuses === true, versions: {} };
  await writeHistory(terminal, format, await readHistory(openSourceTables(dataDir), set, request));
}

/** `pix-core`, or `pix-core:a,b`. */
function featuresOf(set: FeatureSet, text: string): readonly string[] {
  const [name = '', names] = text.split(':');
  if (name !== set.name) {
    throw new AppError('feature_not_found', `there is no feature set ${name}${didYouMean(name, [set.name])}`);
  }
  if (names === undefined) return set.names;
  const features = names.split(',');
  for (const [at, feature] of features.entries()) {
    if (set.indexOf(feature) < 0) {
      throw new AppError('feature_not_found', `${name} has no feature ${feature}${didYouMean(feature, set.names)}`);
    }
    if (features.indexOf(feature) !== at) throw new AppError('usage', `--features names ${feature} twice`);
  }
  return features;
}

async function writeHistory(terminal: Terminal, format: RowFormatName, history: History): Promise<void> {
  if (format === 'arrow') {
    // With what the columns mean in its schema, which rows of a table have not.
    const { arrowPieces } = await import('../../training-export/arrow-pieces.ts');
    for (const bytes of arrowPieces(history.schema, history.dictionary, history.pieces())) await terminal.raw(bytes);
    return;
  }
  const { cellAt } = await import('../../training-export/split-file.ts');
  const names = history.schema.fields.map(({ name }) => name);
  const output = await rowOutput(terminal, format, history.schema);
  for (const { columns, rows } of history.pieces()) {
    const cells = Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(names.map((name, at) => [name, cellAt(columns[at], row)])),
    );
    await output.write(cells as CellRow[]);
  }
  await output.end();
}
