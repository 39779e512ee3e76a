import type { SimulationOptions } from './options.ts';
import type { SimulationFigures } from './simulate.ts';

/** A rate that was asked for and not reached. */
export interface Shortfall {
  readonly option: 'fraudRate' | 'lateRate';
  /** Lines that were asked for, and those that were made. */
  readonly asked: number;
  readonly made: number;
}

/** Below this share of what was asked for it is told. Chance alone stays above it from this many on. */
const REACHED_SHARE = 0.9;
const LEAST_ASKED = 100;

/**
 * Rates that a simulation fell well short of: fraud, since there are honest payments between campaigns, and late lines,
 * since only so many may wait for their arrival.
 */
export function shortfallsOf(
  options: SimulationOptions,
  { frauds, late }: Pick<SimulationFigures, 'frauds' | 'late'>,
): Shortfall[] {
  const made = { fraudRate: frauds, lateRate: late } as const;
  return (['fraudRate', 'lateRate'] as const)
    .map((option) => ({ option, asked: Math.round(options[option] * options.count), made: made[option] }))
    .filter(({ asked, made: reached }) => asked >= LEAST_ASKED && reached < REACHED_SHARE * asked);
}
