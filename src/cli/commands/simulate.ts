import type { Command } from 'commander';
import { AppError } from '../../base/errors.ts';
import { daysOfDate } from '../../domain/instant.ts';
import type { Shortfall } from '../../simulator/shortfalls.ts';
import type { ContextOf } from '../command-context.ts';
import { progress } from '../progress.ts';

interface SimulateFlags {
  readonly count: string;
  readonly seed: string;
  readonly start?: string;
  readonly days?: string;
  readonly fraudRate?: string;
  readonly late: string;
  readonly duplicates: string;
  readonly malformed: string;
  readonly corrections: string;
  readonly format: string;
  readonly out: string;
}

/** `sentinela simulate`. */
export function addSimulateCommand(program: Command, contextOf: ContextOf): void {
  program
    .command('simulate')
    .description('write payments and labels that look like Brazil’s; the same seed gives the same bytes')
    .requiredOption('--count <n>', 'well-formed payments')
    .requiredOption('--out <file>', 'file of payments; labels go to FILE.labels.ndjson')
    .option('--seed <n>', 'seed', '1')
    .option('--start <date>', 'first day, YYYY-MM-DD (UTC)')
    .option('--days <n>', 'length of the span in days (default 120)')
    .option('--fraud-rate <fraction>', 'share of payments that are fraud, 0–1 (default 0.002)')
    .option('--late <fraction>', 'share that arrives late, 0–1', '0')
    .option('--duplicates <fraction>', 'share that comes a second time, 0–1', '0')
    .option('--malformed <fraction>', 'broken lines as a share of count, 0–1', '0')
    .option(
      '--corrections <fraction>',
      'share of payments that are corrected later, 0–1; into FILE.corrections.ndjson',
      '0',
    )
    .option('--format <name>', 'ndjson', 'ndjson')
    .addHelpText(
      'after',
      `
Each well-formed line is a body of POST /v1/score, in order of arrival. Corrections change no byte of the other files.
Two rates have a cap: honest payments come between those of thieves, so that some 70 % are fraud at the most (fewer in a span
of less than a day, which is how long a theft may take), and 20,000 late lines wait for their arrival at once, which is about
26,000 a day. A run that falls well short of what was asked says so.

Examples:
  sentinela simulate --count 100000 --seed 7 --out payments.ndjson
  sentinela simulate --count 20000 --late 0.01 --duplicates 0.01 --malformed 0.005 --out hard.ndjson
  sentinela simulate --count 20000 --corrections 0.01 --out corrected.ndjson`,
    )
    .action(async (flags: SimulateFlags, command: Command) => {
      const { terminal } = contextOf(command);
      if (flags.format !== 'ndjson')
        throw new AppError('usage', `--format ${flags.format} is not known: only ndjson is`);
      const { writeSimulation, labelsPathOf, correctionsPathOf } = await import('../../simulator/write-simulation.ts');
      const { simulationOptions } = await import('../../simulator/options.ts');
      const { shortfallsOf } = await import('../../simulator/shortfalls.ts');
      const options = simulationOptions({
        count: numberOf('count', flags.count),
        seed: numberOf('seed', flags.seed),
        lateRate: numberOf('late', flags.late),
        duplicateRate: numberOf('duplicates', flags.duplicates),
        malformedRate: numberOf('malformed', flags.malformed),
        correctionRate: numberOf('corrections', flags.corrections),
        ...(flags.days === undefined ? {} : { days: numberOf('days', flags.days) }),
        ...(flags.fraudRate === undefined ? {} : { fraudRate: numberOf('fraud-rate', flags.fraudRate) }),
        ...(flags.start === undefined ? {} : { startMicros: startOf(flags.start) }),
      });
      const bar = progress('simulating');
      const started = performance.now();
      const isCorrected = options.correctionRate > 0;
      const correctionsPath = correctionsPathOf(flags.out);
      const files = { paymentsPath: flags.out, labelsPath: labelsPathOf(flags.out) };
      const paths = isCorrected ? { ...files, correctionsPath } : files;
      const figures = writeSimulation(options, { ...files, correctionsPath }, (made) =>
        bar.update(made, options.count),
      );
      bar.end();
      const seconds = (performance.now() - started) / 1000;
      const shortfalls = shortfallsOf(options, figures);
      terminal.value({ ...figures, ...paths, shortfalls, seconds });
      const rate = Math.round(figures.payments / seconds).toLocaleString('en-US');
      terminal.line(
        `${figures.payments.toLocaleString('en-US')} payments in ${paths.paymentsPath}, labels in ${paths.labelsPath}${isCorrected ? `, corrections in ${correctionsPath}` : ''} (${rate}/s)`,
      );
      for (const shortfall of shortfalls) terminal.note(shortfallText(shortfall));
    });
}

function shortfallText({ option, asked, made }: Shortfall): string {
  const [what, flag] = option === 'fraudRate' ? ['fraudulent', '--fraud-rate'] : ['late', '--late'];
  const number = (value: number): string => value.toLocaleString('en-US');
  return `only ${number(made)} ${what} payments, where ${flag} asks for ${number(asked)}: simulate --help tells the cap`;
}

/** Reads a number of the command line. @throws AppError usage. */
export function numberOf(flag: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new AppError('usage', `--${flag} ${text} is not a number`);
  return value;
}

function startOf(text: string): number {
  const days = /^\d{4}-\d{2}-\d{2}$/.test(text) ? daysOfDate(text) : undefined;
  if (days === undefined) throw new AppError('usage', `--start ${text} is not a date, YYYY-MM-DD`);
  return days * 86_400_000_000;
}
