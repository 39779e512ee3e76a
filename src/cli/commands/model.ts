import type { Command } from 'commander';
import type { CommandContext, ContextOf } from '../command-context.ts';
import { tableLines } from '../terminal.ts';

/** `sentinela model list | show`. */
export function addModelCommand(program: Command, contextOf: ContextOf): void {
  const model = program.command('model').description('the models that can score');
  model
    .command('list')
    .description('models of models/registry.json')
    .addHelpText('after', '\nExample:\n  sentinela model list --json')
    .action((_flags, command: Command) => list(contextOf(command)));
  model
    .command('show [name]')
    .description('the card of a model (default: the champion)')
    .addHelpText('after', '\nExample:\n  sentinela model show champion')
    .action((name: string | undefined, _flags, command: Command) => show(contextOf(command), name ?? 'champion'));
}

async function list({ terminal }: CommandContext): Promise<void> {
  const { listModels } = await import('../load-scorer.ts');
  const models = await listModels();
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

async function show({ terminal }: CommandContext, name: string): Promise<void> {
  const { readCard } = await import('../load-scorer.ts');
  const { card, text } = await readCard(name);
  terminal.value(card);
  terminal.line(text.trimEnd());
}
