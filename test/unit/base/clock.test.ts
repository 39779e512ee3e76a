import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';

const START_MS = Date.UTC(2026, 0, 1);
const world = (notBeforeMicros = 0) => {
  const at = { monotonicMs: 50, wallMs: START_MS };
  const clock = systemClock(notBeforeMicros, { monotonicMs: () => at.monotonicMs, wallMs: () => at.wallMs });
  return {
    at,
    /** Milliseconds since the start, as the clock tells it. */
    told: () => (clock.nowMicros() - START_MS * 1000) / 1000,
    pass(ms: number, wallMs = ms) {
      at.monotonicMs += ms;
      at.wallMs += wallMs;
    },
  };
};

describe('the machine’s clock', () => {
  it('goes on by the monotonic clock, to the microsecond', () => {
    const { told, pass } = world();
    expect(told()).toBe(0);
    pass(0.25, 0);
    expect(told()).toBe(0.25);
    pass(60_000);
    expect(told()).toBe(60_000.25);
  });

  it('follows a step ahead, and a suspend, within a second', () => {
    const { told, pass } = world();
    pass(200, 3_600_200);
    expect(told()).toBe(200);
    pass(900);
    expect(told()).toBe(3_601_100);
    // Suspended for a day: the monotonic clock stood.
    pass(1000, 86_401_000);
    expect(told()).toBe(90_002_100);
  });

  it('never goes back, and goes on after a step back', () => {
    const { told, pass } = world();
    pass(2000);
    expect(told()).toBe(2000);
    pass(2000, -3_600_000);
    expect(told()).toBe(4000);
    pass(2000);
    expect(told()).toBe(6000);
  });

  it('leaves alone what the wall clock is too coarse to tell', () => {
    const { told, pass } = world();
    for (let second = 1; second <= 20; second += 1) {
      pass(1000, second % 2 === 0 ? 1008 : 992);
      expect(told()).toBe(second * 1000);
    }
  });

  it('is not put ahead by a thread that waits between two looks', () => {
    const at = { ms: 0 };
    const waiting = {
      monotonicMs: () => at.ms,
      wallMs() {
        at.ms += 100;
        return START_MS + at.ms;
      },
    };
    const clock = systemClock(0, waiting);
    const first = clock.nowMicros();
    at.ms += 5000;
    expect(clock.nowMicros() - first).toBe(5_000_000);
    expect(clock.nowMicros() - first).toBe(5_100_000);
  });

  it('tells no instant before one that was told by an earlier process', () => {
    const { told, pass } = world((START_MS + 5000) * 1000);
    expect(told()).toBe(5000);
    pass(6000);
    expect(told()).toBe(6000);
  });

  it('is the time of day', () => {
    expect(Math.abs(systemClock().nowMicros() / 1000 - Date.now())).toBeLessThan(50);
  });
});
