import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import { instantOfMicros } from '../../domain/instant.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import type { SetPlan } from '../set-plan.ts';
import { tableLines } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';

/** What `features plan` is called with. */
interface PlanFlags {
  readonly exports?: readonly string[];
}

/** What `features apply` is called with. */
interface ApplyFlags extends PlanFlags {
  readonly yes?: boolean;
  readonly by?: string;
  readonly reason?: string;
}

type Settings = Readonly<Record<string, unknown>>;

const PLAN_HELP = `
It compares the file with the newest version of its name in the registry, and changes nothing.

Examples:
  sentinela features plan features.yaml
  sentinela features plan features.yaml --exports training-sets --exports /srv/exports`;

const APPLY_HELP = `
A set's version is the hash of its definition, so a change is a version of its own and nothing that was made with an older
one is touched. The same again is nothing to do. Exits 3 where another set was applied meanwhile.

Examples:
  sentinela features apply features.yaml --yes
  sentinela features apply features.yaml --yes --by ana --reason "mean without scheduled payments"`;

/** Adds `features plan | apply | history`. */
export function addFeatureRegistryCommands(features: Command, contextOf: ContextOf): void {
  const planning = features
    .command('plan <file>')
    .description('what applying a file of feature definitions would change, and what hangs on it')
    .addHelpText('after', PLAN_HELP)
    .action((file: string, flags: PlanFlags, command: Command) =>
      showPlan(contextOf(command), file, flags, settingFlags(command)),
    );
  const applying = features
    .command('apply <file>')
    .description('put a file of feature definitions into the registry, as a version of its name')
    .option('--yes', 'apply; without it the plan is shown and nothing is changed')
    .option('--by <who>', 'who applies it (default: the user of this machine)')
    .option('--reason <text>', 'why')
    .addHelpText('after', APPLY_HELP)
    .action((file: string, flags: ApplyFlags, command: Command) =>
      apply(contextOf(command), file, flags, settingFlags(command)),
    );
  const telling = features
    .command('history <name>')
    .description('the versions of a set that were applied, the newest first')
    .addHelpText('after', '\nExample:\n  sentinela features history shop-risk')
    .action((name: string, _flags, command: Command) => history(contextOf(command), name, settingFlags(command)));
  for (const command of [planning, applying]) {
    command.option(
      '--exports <folder>',
      'a folder of exports that may hang on the set, beside exports/ of the data folder; may be said again',
      (folder: string, before: readonly string[] = []) => [...before, folder],
    );
    addSettingOptions(command, ['dataDir', 'modelsDir']);
  }
  addSettingOptions(telling, ['dataDir']);
}

async function showPlan(
  { terminal, config }: CommandContext,
  file: string,
  { exports = [] }: PlanFlags,
  settings: Settings,
): Promise<void> {
  const { dataDir, modelsDir } = await config(settings);
  const { planSet, planLines } = await import('../set-plan.ts');
  const { report } = await planSet(file, { dataDir, modelsDir, exports });
  terminal.value(report);
  for (const line of planLines(report)) terminal.line(line);
}

async function apply(
  { terminal, config }: CommandContext,
  file: string,
  flags: ApplyFlags,
  settings: Settings,
): Promise<void> {
  const { dataDir, modelsDir } = await config(settings);
  const { applyPlan, planSet, planLines } = await import('../set-plan.ts');
  const plan: SetPlan = await planSet(file, { dataDir, modelsDir, exports: flags.exports ?? [] });
  for (const line of planLines(plan.report)) terminal.line(line);
  if (plan.report.isSame) {
    terminal.value({ ...plan.report, applied: false });
    return;
  }
  if (flags.yes !== true) throw new AppError('usage', 'nothing was applied: say --yes to apply what is shown');
  const number = await applyPlan(plan, dataDir, { by: flags.by, reason: flags.reason ?? null });
  const { name, version } = plan.report;
  terminal.value({ ...plan.report, applied: true, number });
  terminal.line(`${name}@${version} is applied, version ${number} of its name`);
}

async function history({ terminal, config }: CommandContext, name: string, settings: Settings): Promise<void> {
  const { dataDir } = await config(settings);
  const [{ readRegistry }, { didYouMean }] = await Promise.all([
    import('../feature-sets.ts'),
    import('../../base/nearest-name.ts'),
  ]);
  const { sets } = await readRegistry(dataDir);
  const versions = sets.filter((set) => set.name === name).sort((a, b) => b.number - a.number);
  if (versions.length === 0) {
    const hint = didYouMean(
      name,
      sets.map((set) => set.name),
    );
    throw new AppError('feature_not_found', `no set ${name} was ever applied${hint}`);
  }
  for (const { definition, appliedAtMicros, ...entry } of versions) {
    terminal.value({ ...entry, appliedAt: instantOfMicros(appliedAtMicros), definition: JSON.parse(definition) });
  }
  const rows = versions.map(({ number, version, appliedAtMicros, appliedBy, reason }) => [
    number,
    version,
    instantOfMicros(appliedAtMicros),
    appliedBy,
    reason ?? '',
  ]);
  for (const line of tableLines([['number', 'version', 'applied at', 'by', 'reason'], ...rows])) terminal.line(line);
}
