import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { stagedProgress } from '../progress.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { addReplayOptions, type ReplayFlags, replayPortsOf } from './replay-options.ts';
import { SET_HELP } from './set-option.ts';

/** What `features check` is called with. */
interface CheckFlags extends ReplayFlags {
  readonly set?: string;
  readonly record?: boolean;
}

const CHECK_HELP = `
Examples:
  sentinela job run bronze-to-silver && sentinela features check
  sentinela features check --record --json`;

/** `sentinela features check`. */
export function addFeatureCheckCommand(features: Command, contextOf: ContextOf): void {
  const check = features
    .command('check')
    .description(
      'recompute the features of every decision from silver and compare them with what was served; exits 5 where any differs',
    )
    .option('--set <set>', `${SET_HELP} (default: the set that is served)`)
    .option('--record', 'add the result to the table gold/feature_checks, a row a feature')
    .addHelpText('after', CHECK_HELP)
    .action((flags: CheckFlags, command: Command) => checkServed(contextOf(command), flags, settingFlags(command)));
  addReplayOptions(check, 'the folder of temporary files');
  addSettingOptions(check, ['dataDir']);
}

async function checkServed(
  { terminal, config }: CommandContext,
  flags: CheckFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dataDir, featureSet } = await config(settings);
  const [{ openLakeOf }, { findFeatureSet }, { compareServed }, { recordCheck }] = await Promise.all([
    import('../lake-access.ts'),
    import('../feature-sets.ts'),
    import('../../training-export/compare-served.ts'),
    import('../../training-export/record-check.ts'),
  ]);
  const bar = stagedProgress();
  const computed = await replayPortsOf(flags, tmpdir(), bar);
  const set = await findFeatureSet(flags.set ?? featureSet, dataDir);
  const { ports } = await openLakeOf(dataDir);
  const report = await compareServed(ports.lake, set, {}, undefined, computed).finally(() => bar.end());
  const recorded = flags.record === true ? await recordCheck(ports.lake.store, ports.clock, report) : null;
  terminal.value({ ...report, recorded });
  const number = (value: number): string => value.toLocaleString('en-US');
  terminal.line(
    `${number(report.decisions)} decisions, ${number(report.comparedValues)} values compared, ${number(report.differingValues)} differ`,
  );
  if (report.otherVersions > 0)
    terminal.line(`${number(report.otherVersions)} decisions of other feature sets were left out`);
  if (recorded !== null) {
    terminal.line(`recorded in ${recorded.table}, version ${recorded.version}: checked_at ${recorded.checkedAtMicros}`);
  }
  if (report.differingValues > 0) {
    throw new AppError(
      'skew_found',
      `served features differ from the recomputed ones, first: ${JSON.stringify(report.first)}`,
    );
  }
}
