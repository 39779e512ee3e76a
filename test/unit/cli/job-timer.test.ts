import { describe, expect, it } from 'vitest';
import { firstDelay, startJobTimer } from '../../../src/cli/job-timer.ts';

const DAY = 86_400_000;

describe('the timer of a job', () => {
  it('goes on over restarts: a server that starts twice a day comes to its daily job', () => {
    const written = Date.UTC(2026, 0, 1);
    let runs = 0;
    let last = written;
    for (let start = written; start < written + 10 * DAY; start += DAY / 2) {
      const due = start + firstDelay(DAY, last, start);
      if (due >= start + DAY / 2) continue;
      runs += 1;
      last = due;
    }
    expect(runs).toBe(9);
  });

  it('runs at once what is overdue, and nothing later than an interval from now', () => {
    expect(firstDelay(DAY, 0, 10 * DAY)).toBe(0);
    expect(firstDelay(DAY, undefined, 10 * DAY)).toBe(DAY);
    // A table of a clock that is ahead.
    expect(firstDelay(DAY, 30 * DAY, 10 * DAY)).toBe(DAY);
  });

  it('calls again and again until it is stopped', async () => {
    await new Promise<void>((resolve) => {
      let calls = 0;
      const timer = startJobTimer(5, 0, 1000, () => {
        calls += 1;
        if (calls < 3) return;
        timer.stop();
        resolve();
      });
    });
  });
});
