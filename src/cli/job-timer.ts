/** Calls a job at its interval until it is stopped. */
export interface JobTimer {
  stop(): void;
}

/**
 * Calls a job at intervals that go on over restarts: a server that is started anew every day would else never come to
 * its daily job.
 *
 * @param lastMs when the job last did something, milliseconds since 1970; undefined where it never did.
 * @param run is called, and not waited for.
 */
export function startJobTimer(everyMs: number, lastMs: number | undefined, nowMs: number, run: () => void): JobTimer {
  let timer = setTimeout(
    () => {
      timer = setInterval(run, everyMs);
      run();
    },
    firstDelay(everyMs, lastMs, nowMs),
  );
  return { stop: () => clearInterval(timer) };
}

/** Milliseconds until the first call: none where it is overdue, and never more than an interval. */
export function firstDelay(everyMs: number, lastMs: number | undefined, nowMs: number): number {
  if (lastMs === undefined) return everyMs;
  return Math.min(everyMs, Math.max(0, lastMs + everyMs - nowMs));
}
