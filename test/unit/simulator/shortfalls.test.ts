import { describe, expect, it } from 'vitest';
import { simulationOptions } from '../../../src/simulator/options.ts';
import { shortfallsOf } from '../../../src/simulator/shortfalls.ts';
import { simulate } from '../../../src/simulator/simulate.ts';

function shortfalls(given: Parameters<typeof simulationOptions>[0]) {
  const options = simulationOptions(given);
  const simulation = simulate(options);
  for (const _ of simulation);
  return shortfallsOf(options, simulation.figures);
}

describe('rates that a simulation falls short of', () => {
  it('are fraud beyond what leaves room for honest payments', () => {
    const [short, ...others] = shortfalls({ count: 10_000, fraudRate: 1 });
    expect(short).toMatchObject({ option: 'fraudRate', asked: 10_000 });
    expect(short?.made).toBeGreaterThan(6_500);
    expect(short?.made).toBeLessThan(7_500);
    expect(others).toEqual([]);
  });

  it('are late lines of which too many would wait at once', () => {
    const [short, ...others] = shortfalls({ count: 60_000, days: 0.5, fraudRate: 0, lateRate: 0.9 });
    expect(short).toMatchObject({ option: 'lateRate', asked: 54_000 });
    expect(short?.made).toBeGreaterThan(20_000);
    expect(others).toEqual([]);
  });

  it('are none where the rates are met, or chance alone is below them', () => {
    expect(shortfalls({ count: 50_000, seed: 2 })).toEqual([]);
    expect(shortfalls({ count: 20_000, fraudRate: 0.6, lateRate: 0.2 })).toEqual([]);
    const options = simulationOptions({ count: 900, fraudRate: 0.11 });
    expect(shortfallsOf(options, { frauds: 60, late: 0 })).toEqual([]);
  });
});
