import { AppError } from '../base/errors.ts';

/** What is simulated. Rates are fractions between 0 and 1 of `count`. */
export interface SimulationOptions {
  /** Well-formed first lines: payments, a second side counting as a line of its own. Duplicates and malformed lines come on top. */
  readonly count: number;
  /** Any 32-bit number: the same options give the same bytes. */
  readonly seed: number;
  /** When the first day begins, microseconds since 1970 UTC. */
  readonly startMicros: number;
  /** Length of the span in days; labels may lie up to 91 days behind it. */
  readonly days: number;
  /** Share of lines that are fraud, whether anybody contests them or not. */
  readonly fraudRate: number;
  /** Share of lines that arrive minutes to 3 days after their acceptance. */
  readonly lateRate: number;
  /** Share of lines that arrive a second time. */
  readonly duplicateRate: number;
  /** Broken lines, as a share of `count`. */
  readonly malformedRate: number;
  /** Share of payments that are corrected later; the payments and labels are the same without. */
  readonly correctionRate: number;
}

/**
 * What the command line falls back to. The span of 120 days leaves 29 days of rows whose labels
 * have matured at its end under the default horizon of 91 days.
 */
export const SIMULATION_DEFAULTS = {
  seed: 1,
  /** 2026-03-01 00:00 in São Paulo. */
  startMicros: Date.UTC(2026, 2, 1, 3) * 1000,
  days: 120,
  fraudRate: 0.002,
  lateRate: 0,
  duplicateRate: 0,
  malformedRate: 0,
  correctionRate: 0,
} as const;

/** Beyond this the ids of accounts would leave the range that keeps them unique. */
const MAX_COUNT = 100_000_000;

/**
 * Fills in the defaults and checks.
 *
 * @throws AppError `usage` that names the option.
 */
export function simulationOptions(
  given: Partial<SimulationOptions> & Pick<SimulationOptions, 'count'>,
): SimulationOptions {
  const options: SimulationOptions = { ...SIMULATION_DEFAULTS, ...given };
  integer('count', options.count, 1, MAX_COUNT);
  integer('seed', options.seed, -(2 ** 31), 2 ** 32 - 1);
  integer('start', options.startMicros, Date.UTC(1991, 0, 1) * 1000, Date.UTC(2059, 0, 1) * 1000);
  if (!(options.days > 0 && options.days <= 3660)) throw wrong('days', options.days, 'more than 0 and at most 3660');
  for (const name of ['fraudRate', 'lateRate', 'duplicateRate', 'malformedRate', 'correctionRate'] as const) {
    const rate = options[name];
    if (!(rate >= 0 && rate <= 1)) throw wrong(name, rate, 'a fraction between 0 and 1');
  }
  return options;
}

function integer(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw wrong(name, value, `an integer between ${low} and ${high}`);
  }
}

function wrong(name: string, value: number, asked: string): AppError {
  return new AppError('usage', `simulate: ${name} is ${value}, it must be ${asked}`, { option: name });
}
