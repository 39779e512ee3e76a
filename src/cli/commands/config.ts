import type { Command } from 'commander';
import { SETTINGS, type SettingName } from '../../config/settings.ts';
import type { ContextOf } from '../command-context.ts';
import { tableLines } from '../terminal.ts';

/** Adds an option for each named setting. Values are checked with all others, by the configuration. */
export function addSettingOptions(command: Command, names: readonly SettingName[]): Command {
  for (const name of names) {
    const { flag, help, env, fallback, unset } = SETTINGS[name];
    const shown = fallback === '' ? (unset ?? 'none') : String(fallback);
    if (typeof fallback === 'boolean') command.option(`--no-${flag}`, `not: ${help}`, undefined);
    else command.option(`--${flag} <value>`, `${help} (${env}; default ${shown})`);
  }
  return command;
}

/** The settings among a command's options. A `--no-…` that was not given says nothing. */
export function settingFlags(command: Command): Record<string, unknown> {
  const flags: Record<string, unknown> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    if (command.getOptionValueSourceWithGlobals(name) === 'cli') flags[name] = command.optsWithGlobals()[name];
  }
  return flags;
}

/** `sentinela config show`. */
export function addConfigCommand(program: Command, contextOf: ContextOf): void {
  const config = program.command('config').description('the configuration');
  config
    .command('show')
    .description('show every setting and where its value came from; secrets are hidden')
    .addHelpText(
      'after',
      '\nExamples:\n  sentinela config show\n  SENTINELA_HTTP_PORT=8081 sentinela config show --json',
    )
    .action(async (_options, command: Command) => {
      const { terminal } = contextOf(command);
      const { resolveConfig } = await import('../../config/resolve-config.ts');
      const file = command.optsWithGlobals().config as string | undefined;
      const resolved = resolveConfig({ flags: {}, environment: process.env, file });
      const rows = (Object.keys(SETTINGS) as SettingName[]).map((name) => {
        const setting = SETTINGS[name];
        const value = resolved.config[name];
        const hidden = 'secret' in setting && value !== '';
        return { name, value: hidden ? '(hidden)' : value, source: resolved.sources[name], environment: setting.env };
      });
      terminal.value({ file: resolved.file ?? null, settings: rows });
      terminal.line(resolved.file === undefined ? 'no configuration file' : `configuration file: ${resolved.file}`);
      const head = ['setting', 'value', 'from', 'environment'];
      for (const line of tableLines([
        head,
        ...rows.map((row) => [row.name, String(row.value), row.source, row.environment]),
      ])) {
        terminal.line(line);
      }
    });
}
