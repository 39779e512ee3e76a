import { Command, CommanderError } from 'commander';
import { AppError, ERRORS, messageOf } from '../base/errors.ts';
import { ExpressionError } from '../features/expression/expression-error.ts';
import type { CommandContext, ContextOf } from './command-context.ts';
import { addConfigCommand } from './commands/config.ts';
import { addExportCommand } from './commands/export.ts';
import { addFeaturesCommand } from './commands/features.ts';
import { addImportCommand } from './commands/import.ts';
import { addJobCommand } from './commands/job.ts';
import { addModelCommand } from './commands/model.ts';
import { addServeCommand } from './commands/serve.ts';
import { addSimulateCommand } from './commands/simulate.ts';
import { addTableCommand } from './commands/table.ts';
import { systemTerminal } from './terminal.ts';
import { programVersion } from './version.ts';

const EXIT_CODES = `
Exit codes: 0 done, 1 a fault of ours, 2 wrong usage or input, 3 refused by the state of things (in use,
mismatch, full), 4 not found, 5 a check failed.`;

/**
 * Runs the program with its arguments.
 *
 * @returns the exit code.
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  const program = new Command('sentinela')
    .description('Real-time fraud scoring for Pix, with its own feature store and a Delta Lake underneath')
    // Not `--version` as well: commander would take it from `table read --version 3`.
    .version(programVersion(), '-V', 'output the version number; --version alone does too')
    .option('--json', 'results as JSON, one value a line')
    .option('--config <file>', 'configuration file (default: sentinela.yaml where it is there)')
    .addHelpText('after', EXIT_CODES)
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .exitOverride();
  const contextOf: ContextOf = (command) => contextFor(command.optsWithGlobals());
  for (const add of [
    addServeCommand,
    addSimulateCommand,
    addImportCommand,
    addJobCommand,
    addTableCommand,
    addExportCommand,
    addFeaturesCommand,
    addModelCommand,
    addConfigCommand,
  ]) {
    add(program, contextOf);
  }
  try {
    await program.parseAsync(args[0] === '--version' ? ['-V'] : args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return exitCodeOf(error, args.includes('--json'));
  }
}

function contextFor(global: Readonly<Record<string, unknown>>): CommandContext {
  return {
    terminal: systemTerminal(global.json === true),
    async config(flags) {
      const { resolveConfig } = await import('../config/resolve-config.ts');
      return resolveConfig({ flags, environment: process.env, file: global.config as string | undefined }).config;
    },
  };
}

function exitCodeOf(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ERRORS.usage.exit;
  const terminal = systemTerminal(json);
  if (!(error instanceof AppError)) {
    terminal.error(`sentinela: a fault of ours: ${messageOf(error)}`);
    if (error instanceof Error && process.env.NODE_ENV === 'development') terminal.note(error.stack ?? '');
    return 1;
  }
  if (json) terminal.value({ error: { code: error.code, message: error.message, ...error.context } });
  terminal.error(`sentinela: ${error.message} (${error.code})`);
  if (error instanceof ExpressionError) terminal.error(error.excerpt);
  return ERRORS[error.code].exit;
}
