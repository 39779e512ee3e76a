import type { Command } from 'commander';
import type { ReadVersions } from '../../training-export/source-snapshots.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { SET_HELP } from './set-option.ts';

/** What `features spark-plan` is called with. */
interface PlanFlags {
  readonly lake: boolean;
}

/** `sentinela features spark-plan | spark-worker`. */
export function addFeatureSparkCommands(features: Command, contextOf: ContextOf): void {
  const plan = features
    .command('spark-plan <set>')
    .description('what Spark is to do for a set, as JSON: for the Python module sentinela.spark, which calls it')
    .option('--no-lake', 'do not look at the lake: sets of files and the shipped one, tables at versions of your own')
    .addHelpText(
      'after',
      `
The set is ${SET_HELP}; or SET:name,name for some of its features.

Examples:
  sentinela features spark-plan pix-core
  sentinela features spark-plan features.yaml --no-lake`,
    )
    .action((set: string, flags: PlanFlags, command: Command) =>
      printPlan(contextOf(command), set, flags, settingFlags(command)),
    );
  addSettingOptions(plan, ['dataDir']);
  features
    .command('spark-worker')
    .description('computes a partition for Spark, Arrow IPC from stdin to stdout: sentinela.spark starts it')
    .addHelpText(
      'after',
      `
Examples:
  sentinela features spark-worker < partition.arrows > values.arrows`,
    )
    .action((_flags: unknown, command: Command) => runWorker(contextOf(command)));
}

async function printPlan(
  { terminal, config }: CommandContext,
  reference: string,
  { lake }: PlanFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { dataDir } = await config(settings);
  const [{ findFeatures }, { sparkPlan }] = await Promise.all([
    import('../feature-sets.ts'),
    import('../../training-export/spark/spark-plan.ts'),
  ]);
  const { set, features } = await findFeatures(reference, dataDir);
  await terminal.raw(`${JSON.stringify(sparkPlan(set, features, lake ? await versionsOf(dataDir) : null))}\n`);
}

/** Versions of a lake's tables that belong together; that of corrections where the lake has the table. */
async function versionsOf(dataDir: string): Promise<ReadVersions> {
  const [{ openSourceTables }, { CORRECTIONS, sourceSnapshots, versionsOfSnapshots }] = await Promise.all([
    import('../source-tables.ts'),
    import('../../training-export/source-snapshots.ts'),
  ]);
  const snapshots = await sourceSnapshots(openSourceTables(dataDir), {});
  const corrections = snapshots[CORRECTIONS];
  return {
    ...versionsOfSnapshots(snapshots),
    ...(corrections === null ? {} : { [CORRECTIONS]: corrections.version }),
  };
}

async function runWorker({ terminal }: CommandContext): Promise<void> {
  const { sparkWorker } = await import('../../training-export/spark/spark-worker.ts');
  for await (const bytes of sparkWorker(process.stdin)) await terminal.raw(bytes);
}
