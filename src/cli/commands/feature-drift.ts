import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { AbsenceRates, DriftReport, FeatureDrift } from '../../training-export/feature-drift.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { type Terminal, tableLines } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { instantOf } from './flag-values.ts';

/** What `features drift` is called with. */
interface DriftFlags {
  readonly export?: string;
  readonly since?: string;
  readonly failAbove?: string;
}

/** `sentinela features drift`. */
export function addFeatureDriftCommand(features: Command, contextOf: ContextOf): void {
  const drift = features
    .command('drift')
    .description(
      'how far the features of decisions are from those that a training set has: PSI, KS, rates of missing values',
    )
    .option('--export <folder>', 'the export that a model was trained on (that of the model that scores)')
    .option('--since <date>', 'only decisions made from then on: YYYY-MM-DD (00:00 UTC) or an instant')
    .option('--fail-above <psi>', 'exit 5 where the PSI of a feature is above it, for example 0.25')
    .addHelpText(
      'after',
      `
Examples:
  sentinela features drift
  sentinela features drift --export training --since 2026-07-01
  sentinela features drift --export training --fail-above 0.25 --json`,
    )
    .action((flags: DriftFlags, command: Command) => printDrift(contextOf(command), flags, settingFlags(command)));
  addSettingOptions(drift, ['dataDir', 'model', 'modelsDir']);
}

async function printDrift(
  { terminal, config }: CommandContext,
  flags: DriftFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const sinceMicros = flags.since === undefined ? null : instantOf('--since', flags.since);
  const most = flags.failAbove === undefined ? null : indexOf(flags.failAbove);
  if (flags.export !== undefined && !existsSync(flags.export)) {
    throw new AppError('not_found', `there is no folder ${flags.export}`);
  }
  const { dataDir, model, modelsDir } = await config(settings);
  const { trainingFolderOf } = await import('../load-scorer.ts');
  const folder = flags.export ?? (await trainingFolderOf(model, modelsDir));
  const [{ openSourceTables }, { featureDrift }, { localObjectStore }, { progress }] = await Promise.all([
    import('../source-tables.ts'),
    import('../../training-export/feature-drift.ts'),
    import('../../storage/store/local-object-store.ts'),
    import('../progress.ts'),
  ]);
  const bar = progress('decisions');
  const ports = { tables: openSourceTables(dataDir), files: localObjectStore(folder), onRead: bar.update };
  const report = await featureDrift(ports, sinceMicros).finally(bar.end);
  terminal.value(report);
  for (const line of driftLines(report)) terminal.line(line);
  noteChance(terminal, report);
  const above = report.features.filter(({ psi }) => most !== null && psi > most);
  const [worst] = above;
  if (worst === undefined) return;
  throw new AppError(
    'drift_found',
    `${above.length} of ${report.features.length} features have a PSI above ${flags.failAbove}, most of all ${worst.feature} with ${worst.psi.toFixed(3)}: look at what feeds it, or train a model on newer payments`,
    { feature: worst.feature, psi: worst.psi },
  );
}

function indexOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new AppError('usage', `--fail-above ${text} is no PSI: write a number from 0 on, such as 0.25`);
}

function driftLines(report: DriftReport): string[] {
  const { featureSet, features, decisions, trainingRows, split, firstDecision, lastDecision, otherDecisions } = report;
  const number = (value: number): string => value.toLocaleString('en-US');
  const lines = [
    `${featureSet.name}@${featureSet.version}: ${number(decisions)} decisions from ${firstDecision} to ${lastDecision}, against ${number(trainingRows)} rows of ${split}`,
  ];
  if (otherDecisions > 0) lines.push(`${number(otherDecisions)} decisions of other feature sets were left out`);
  const head = ['feature', 'PSI', '', 'KS', 'null', 'not_found', 'truncated'];
  return [...lines, ...tableLines([head, ...features.map(cellsOf)])];
}

function cellsOf({ feature, psi, verdict, ks, trained, served }: FeatureDrift): string[] {
  const rate = (of: keyof AbsenceRates): string => {
    const [was, is] = [trained[of], served[of]].map((share) => `${(100 * share).toFixed(1)} %`);
    return was === is ? (was ?? '') : `${was} → ${is}`;
  };
  const rates = [rate('null'), rate('notFound'), rate('truncated')];
  return [feature, psi.toFixed(3), verdict, ks === null ? '–' : ks.toFixed(3), ...rates];
}

/** Half of what counts as moved: with that much of chance in it a verdict is one about the number of rows. */
const MUCH_CHANCE = 0.05;

function noteChance(terminal: Terminal, { features, decisions }: DriftReport): void {
  const most = Math.max(...features.map(({ chance }) => chance));
  if (most < MUCH_CHANCE) return;
  terminal.note(
    `${decisions} decisions are few: a PSI of up to ${most.toFixed(2)} is to be expected where nothing has moved`,
  );
}
