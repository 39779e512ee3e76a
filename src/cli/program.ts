import { Command, CommanderError } from 'commander';
import { AppError, ERRORS, type ErrorCode, type ErrorContext, messageOf, systemErrorCode } from '../base/errors.ts';
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

function exitCodeOf(thrown: unknown, json: boolean): number {
  const terminal = systemTerminal(json);
  const told = (code: ErrorCode, message: string, context: ErrorContext = {}): void =>
    terminal.value({ error: { code, message, ...context } });
  if (thrown instanceof CommanderError) {
    if (thrown.exitCode === 0) return 0;
    // Commander has told people.
    told('usage', thrown.message);
    return ERRORS.usage.exit;
  }
  const error = ofTheSystem(thrown) ?? thrown;
  if (!(error instanceof AppError)) {
    told('internal', messageOf(error));
    terminal.error(`sentinela: a fault of ours: ${messageOf(error)}`);
    if (error instanceof Error && process.env.NODE_ENV === 'development') terminal.note(error.stack ?? '');
    return 1;
  }
  told(error.code, error.message, error.context);
  terminal.error(`sentinela: ${error.message} (${error.code})`);
  if (error instanceof ExpressionError) terminal.error(error.excerpt);
  return ERRORS[error.code].exit;
}

/** A disk that is full, or a file that cannot be had, is no fault of ours; undefined for anything else. */
function ofTheSystem(error: unknown): AppError | undefined {
  const code = systemErrorCode(error);
  if (!(error instanceof Error) || error instanceof AppError || code === undefined || !('syscall' in error))
    return undefined;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new AppError(isFull ? 'disk_full' : 'storage_failed', error.message, {}, error);
}
