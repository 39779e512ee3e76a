import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import { instantOfMicros } from '../../domain/instant.ts';
import type { ExplainedValue } from '../../training-export/explain-value.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { tableLines } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';

const HELP = `
ROW is END_TO_END_ID SIDE; the side may be left out where the payment has one. Of an export of your own file it is the
number of the row, from 1, and --rows names the file. It reads the versions that the row was made
of and shows what the row saw of the feature's entity, in the order of its numbers, and why each record counts or not.

Examples:
  sentinela export explain training "E12345678202607011200aB3dE5fG7hI PAYER" payer_count_24h
  sentinela export explain training 17 payer_count_24h --rows mine.parquet`;

/** What `export explain` is called with, beside what it explains. */
interface ExplainFlags {
  readonly all?: boolean;
  readonly rows?: string;
}

/** Adds `export explain`. */
export function addExplainCommand(group: Command, contextOf: ContextOf): void {
  const command = group
    .command('explain <folder> <row> <feature>')
    .description('the events behind a value')
    .option('--all', 'also what does not count')
    .option('--rows <file>', 'your own file, where the export is made of one')
    .addHelpText('after', HELP)
    .action((folder: string, row: string, feature: string, flags: ExplainFlags, called: Command) =>
      explain(contextOf(called), { folder, row, feature, ...flags }, settingFlags(called)),
    );
  addSettingOptions(command, ['dataDir']);
}

async function explain(
  { terminal, config }: CommandContext,
  { folder, row, feature, all = false, rows }: { folder: string; row: string; feature: string } & ExplainFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dataDir } = await config(settings);
  if (!existsSync(folder)) throw new AppError('not_found', `there is no folder ${folder}`);
  const [{ explainValue }, { localObjectStore }, { openSourceTables }] = await Promise.all([
    import('../../training-export/explain-value.ts'),
    import('../../storage/store/local-object-store.ts'),
    import('../source-tables.ts'),
  ]);
  const ports = { tables: openSourceTables(dataDir), files: localObjectStore(folder) };
  const file = rows === undefined ? null : await (await import('../rows-file.ts')).openRowsFile(rows);
  const found = await explainValue(row, feature, ports, file);
  terminal.value(found);
  for (const line of explainedLines(found, all)) terminal.line(line);
}

function explainedLines(found: ExplainedValue, all: boolean): string[] {
  const { feature, exported, recomputed, status, saw, window, records, operands } = found;
  const lines = [
    `${feature.name} of ${found.row}: ${exported} in ${found.file}, ${recomputed} recomputed (${status})`,
    feature.description,
  ];
  if (feature.kind === 'expression') lines.push(`= ${feature.expression}`);
  if (saw !== null && window !== null) {
    const from = Number.isFinite(window.fromMicros) ? `after ${instantOfMicros(window.fromMicros)} ` : '';
    lines.push(
      `window ${from}up to ${instantOfMicros(window.toMicros)}, saw up to number ${saw.seq} of epoch ${saw.epoch}`,
    );
    const counted = records.filter(({ counts }) => counts).length;
    lines.push(`${counted} of the ${records.length} records that it saw count`);
  }
  const rows = records
    .filter(({ counts }) => counts || all)
    .map((record) => [
      record.what,
      record.endToEndId,
      instantOfMicros(record.eventTimeMicros),
      instantOfMicros(record.knownTimeMicros),
      `${record.epoch}.${record.seq}`,
      record.state ?? String(record.value ?? ''),
      record.why ?? 'counts',
    ]);
  if (rows.length > 0) {
    lines.push(
      ...tableLines([['record', 'endToEndId', 'event time', 'known time', 'number', 'value', 'why'], ...rows]),
    );
  }
  const parts = operands.map(({ name, value, status: why }) => [name, String(value ?? ''), why]);
  if (parts.length > 0) lines.push(...tableLines([['operand', 'value', 'status'], ...parts]));
  return lines;
}
