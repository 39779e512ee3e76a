import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import type { CommandContext, ContextOf } from '../command-context.ts';
import type { MaterializedEpoch } from '../redis-materialize.ts';
import type { Materialized, MaterializeRequest } from '../state-materialize.ts';
import type { Terminal } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';
import { SET_HELP } from './set-option.ts';

/** What both commands are called with. */
interface MaterializeFlags {
  readonly set?: string;
}

type Settings = Readonly<Record<string, unknown>>;

const MATERIALIZE_HELP = `
It takes the newest snapshot of the set, else silver, and then all of the server's journal, and writes a snapshot that the
next start takes. Killed, it goes on from what it had written. Exits 3 where the server runs: use features backfill then.

With Redis it opens a new epoch there and fills it from silver and the journals of all servers, none of which may run.

Examples:
  sentinela import payments.ndjson && sentinela features materialize && sentinela serve
  sentinela features materialize --set shop-risk@3f2a90bb12cd --instance a --json
  sentinela features materialize --redis-url redis://127.0.0.1:6379`;

const BACKFILL_HELP = `
The server goes on with the set that it has; nothing is switched. Its next start with the new set reads only what came since.

Examples:
  sentinela features apply features.yaml --yes && sentinela features backfill --set shop-risk
  sentinela features backfill --set features.yaml --json`;

/** Adds `features materialize | backfill`. */
export function addFeatureMaterializeCommands(features: Command, contextOf: ContextOf): void {
  const materializing = features
    .command('materialize')
    .description('build the state of a set for a server that does not run, so that its start is warm')
    .option('--set <set>', `${SET_HELP} (default: the set that is served)`)
    .addHelpText('after', MATERIALIZE_HELP)
    .action((flags: MaterializeFlags, command: Command) =>
      build('materialize', contextOf(command), flags, settingFlags(command)),
    );
  const backfilling = features
    .command('backfill')
    .description('build the embedded state of a new set beside the server that runs with another one')
    .requiredOption('--set <set>', SET_HELP)
    .addHelpText('after', BACKFILL_HELP)
    .action((flags: MaterializeFlags, command: Command) =>
      build('backfill', contextOf(command), flags, settingFlags(command)),
    );
  addSettingOptions(materializing, ['dataDir', 'instance', 'redisUrl']);
  addSettingOptions(backfilling, ['dataDir', 'instance']);
}

async function build(
  how: 'materialize' | 'backfill',
  { terminal, config }: CommandContext,
  flags: MaterializeFlags,
  settings: Settings,
): Promise<void> {
  const { dataDir, instance, featureSet, redisUrl } = await config(settings);
  const [{ buildLogger }, { findFeatureSet }, states] = await Promise.all([
    import('../logger.ts'),
    import('../feature-sets.ts'),
    import('../state-materialize.ts'),
  ]);
  const set = await findFeatureSet(flags.set ?? featureSet, dataDir);
  const request: MaterializeRequest = { set, dataDir, instance, logger: buildLogger('warn') };
  if (redisUrl !== '') {
    if (how === 'backfill') {
      throw new AppError(
        'usage',
        'features backfill is of the embedded store: with Redis stop the servers and materialize',
      );
    }
    const { materializeInRedis } = await import('../redis-materialize.ts');
    return tellEpoch(terminal, await materializeInRedis(request, redisUrl));
  }
  tell(terminal, await states[how](request));
}

function tellEpoch(terminal: Terminal, made: MaterializedEpoch): void {
  terminal.value(made);
  const { featureSet, epoch, elapsedMs } = made;
  terminal.line(`epoch ${epoch} of ${featureSet} is open in Redis, after ${(elapsedMs / 1000).toFixed(1)} s`);
}

function tell(terminal: Terminal, made: Materialized): void {
  terminal.value(made);
  const number = (value: number): string => value.toLocaleString('en-US');
  const source = made.from === 'silver' ? `${number(made.silverRows)} rows of silver` : 'the snapshot of before';
  terminal.line(
    `${made.featureSet} for the server ${made.instance}: ${number(made.payments)} payments, ${number(made.entities)} entities, ` +
      `from ${source} and ${number(made.tailRecords)} records of its journal in ${(made.elapsedMs / 1000).toFixed(1)} s`,
  );
  terminal.line(
    `${made.snapshot} (${number(Math.round(made.snapshotBytes / 1e6))} MB): the next start with this set takes it`,
  );
}
