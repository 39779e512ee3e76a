import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import { didYouMean } from '../../base/nearest-name.ts';
import type { FeatureDefinition } from '../../features/definition/definition.ts';
import type { FeatureSet } from '../../features/feature-set.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { type Terminal, tableLines } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { addFeatureCheckCommand } from './feature-check.ts';
import { addFeatureDocsCommand } from './feature-docs.ts';
import { addFeatureDriftCommand } from './feature-drift.ts';
import { addFeatureJoinCommand } from './feature-join.ts';
import { addFeatureMaterializeCommands } from './feature-materialize.ts';
import { addFeatureReadCommand } from './feature-read.ts';
import { addFeatureRegistryCommands } from './feature-registry.ts';
import { addFeatureSparkCommands } from './feature-spark.ts';
import { SET_HELP } from './set-option.ts';

/** What commands over one set are called with. */
interface SetFlags {
  readonly set?: string;
}

/** What `features show` is called with. */
interface ShowFlags extends SetFlags {
  readonly sql?: boolean;
}

const SHOW_HELP = `
Examples:
  sentinela features show payer_count_24h
  sentinela features show payer_count_24h --sql
  sentinela features show > features.yaml`;

/**
 * `sentinela features list | show | plan | apply | history | docs | read | join | drift | check | materialize | backfill |
 * spark-plan | spark-worker`.
 */
export function addFeaturesCommand(program: Command, contextOf: ContextOf): void {
  const features = program.command('features').description('the features that are served and exported');
  const listing = features
    .command('list')
    .description('every feature of a set, in the order of the vector')
    .option('--set <set>', `${SET_HELP} (default: the set that is served)`)
    .addHelpText(
      'after',
      '\nExamples:\n  sentinela features list --json\n  sentinela features list --set features.yaml',
    )
    .action((flags: SetFlags, command: Command) => list(contextOf(command), flags, settingFlags(command)));
  const showing = features
    .command('show [name]')
    .description('the definition of one feature; without a name that of the whole set, as a file')
    .option('--set <set>', `${SET_HELP} (default: the set that is served)`)
    .option('--sql', 'the value of a window as SQL that DuckDB runs over silver')
    .addHelpText('after', SHOW_HELP)
    .action((name: string | undefined, flags: ShowFlags, command: Command) =>
      show(contextOf(command), name, flags, settingFlags(command)),
    );
  for (const command of [listing, showing]) addSettingOptions(command, ['dataDir']);
  addFeatureRegistryCommands(features, contextOf);
  addFeatureDocsCommand(features, contextOf);
  addFeatureReadCommand(features, contextOf);
  addFeatureJoinCommand(features, contextOf);
  addFeatureDriftCommand(features, contextOf);
  addFeatureCheckCommand(features, contextOf);
  addFeatureMaterializeCommands(features, contextOf);
  addFeatureSparkCommands(features, contextOf);
}

/** The set that a flag names, else the one that is served. */
async function chosenSet(
  { config }: CommandContext,
  flags: SetFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<FeatureSet> {
  const { dataDir, featureSet } = await config(settings);
  const { findFeatureSet } = await import('../feature-sets.ts');
  return findFeatureSet(flags.set ?? featureSet, dataDir);
}

async function list(
  context: CommandContext,
  flags: SetFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { terminal } = context;
  const set = await chosenSet(context, flags, settings);
  for (const feature of set.definition.features) terminal.value(feature);
  terminal.line(`${set.name}@${set.version}: ${set.names.length} features`);
  const rows = set.definition.features.map((feature) => [feature.name, feature.kind, feature.description]);
  for (const line of tableLines([['name', 'kind', 'meaning'], ...rows])) terminal.line(line);
}

async function show(
  context: CommandContext,
  name: string | undefined,
  flags: ShowFlags,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { terminal } = context;
  if (flags.sql === true && name === undefined)
    throw new AppError('usage', '--sql is of one feature: name it, as in features show payer_count_24h --sql');
  const set = await chosenSet(context, flags, settings);
  if (name === undefined) {
    const { writeDefinitionFile } = await import('../../features/yaml/write-definition.ts');
    terminal.value(set.definition);
    terminal.line(writeDefinitionFile(set.definition).trimEnd());
    return;
  }
  const feature = set.definition.features.find((candidate) => candidate.name === name);
  if (feature === undefined)
    throw new AppError('not_found', `there is no feature ${name}${didYouMean(name, set.names)}`);
  if (flags.sql === true) return showSql(terminal, feature);
  terminal.value(feature);
  for (const [key, value] of Object.entries(feature)) {
    terminal.line(`${key.padEnd(12)} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`);
  }
}

/** The query, after the views that it reads. */
async function showSql(terminal: Terminal, feature: FeatureDefinition): Promise<void> {
  const [{ relationsSql }, { windowSql }] = await Promise.all([
    import('../../features/sql/relations-sql.ts'),
    import('../../features/sql/window-sql.ts'),
  ]);
  const written = windowSql(feature);
  if (written.kind === 'unwritten') {
    throw new AppError('usage', `${feature.name} is not written as SQL: ${written.why}; show it without --sql`);
  }
  terminal.value({ name: feature.name, views: relationsSql(), sql: written.sql });
  terminal.line(`${relationsSql()}\n\n${written.sql};`);
}
