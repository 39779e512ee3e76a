import type { Command } from 'commander';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { tableLines } from '../terminal.ts';
import { addSettingOptions, settingFlags } from './config.ts';

/** `sentinela model list | show | register`. */
export function addModelCommand(program: Command, contextOf: ContextOf): void {
  const model = program.command('model').description('the models that can score');
  const listing = model
    .command('list')
    .description('models of the registry')
    .addHelpText('after', '\nExample:\n  sentinela model list --json')
    .action((_flags, command: Command) => list(contextOf(command), settingFlags(command)));
  const showing = model
    .command('show [name]')
    .description('the card of a model (default: the champion)')
    .addHelpText('after', '\nExample:\n  sentinela model show champion')
    .action((name: string | undefined, _flags, command: Command) =>
      show(contextOf(command), name ?? 'champion', settingFlags(command)),
    );
  const registering = model
    .command('register <folder>')
    .description(
      'add a model to the registry: its folder holds card.json, card.md and the ONNX file that the card names',
    )
    .option('--alias <name>', 'what it is called from now on, such as champion; another model loses the name')
    .addHelpText('after', REGISTER_HELP)
    .action((folder: string, { alias }: { alias?: string }, command: Command) =>
      register(contextOf(command), folder, alias, settingFlags(command)),
    );
  for (const command of [listing, showing, registering]) addSettingOptions(command, ['modelsDir']);
}

const REGISTER_HELP = `
Nothing of a registered model is ever changed: another file under the same name and version is refused. A server takes
the model when it starts with --model and the same --models-dir.

Examples:
  sentinela model register my-model --models-dir models
  sentinela model register my-model --models-dir models --alias champion && sentinela serve --models-dir models`;

type Flags = Readonly<Record<string, unknown>>;

async function list({ terminal, config }: CommandContext, flags: Flags): Promise<void> {
  const { modelsDir } = await config(flags);
  const { listModels } = await import('../load-scorer.ts');
  const models = await listModels(modelsDir);
  for (const entry of models) terminal.value(entry);
  const rows = models.map(({ name, version, alias, featureSet, sha256 }) => [
    alias ?? '',
    name,
    version,
    featureSet,
    sha256.slice(0, 12),
  ]);
  for (const line of tableLines([['alias', 'name', 'version', 'feature set', 'sha256'], ...rows])) terminal.line(line);
}

async function show({ terminal, config }: CommandContext, name: string, flags: Flags): Promise<void> {
  const { modelsDir } = await config(flags);
  const { readCard } = await import('../load-scorer.ts');
  const { card, text } = await readCard(name, modelsDir);
  terminal.value(card);
  terminal.line(text.trimEnd());
}

async function register(
  { terminal, config }: CommandContext,
  folder: string,
  alias: string | undefined,
  flags: Flags,
): Promise<void> {
  const { modelsDir } = await config(flags);
  const [{ modelsFolder }, { registerModel }] = await Promise.all([
    import('../load-scorer.ts'),
    import('../../scoring/register-model.ts'),
  ]);
  const registered = await registerModel(modelsFolder(modelsDir), folder, alias);
  terminal.value(registered);
  const { name, version, featureSet } = registered;
  const called = registered.alias === null ? '' : `, called ${registered.alias}`;
  terminal.line(`${name}@${version} is registered${called}: it scores ${featureSet}`);
}
