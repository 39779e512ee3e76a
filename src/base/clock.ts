/** A source of time. Everything below `cli` takes one as an argument. */
export interface Clock {
  /** Microseconds since 1970-01-01T00:00:00Z, an integer, never smaller than an earlier answer. */
  nowMicros(): number;
}

/** What the machine tells the time by, in milliseconds. */
export interface TimeSources {
  /** Since the process began; it goes on evenly, but stands while the machine is suspended. */
  monotonicMs(): number;
  /** Since 1970; it steps where somebody sets it, and after a suspend. */
  wallMs(): number;
}

const MACHINE: TimeSources = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

/** Monotonic time between two looks at the wall clock: at 10,000 payments a second one of them pays for it. */
const LOOK_MS = 1000;
/** Less is the wall clock's own coarseness, and a thread that waited between the two. */
const BEHIND_MICROS = 10_000;

/**
 * The machine's clock, held from going back within the process (an NTP step does that). It goes on by the monotonic
 * clock and follows the wall clock where that went ahead, by a step or while the machine was suspended, within a second.
 *
 * @param notBeforeMicros an instant that was told before, by an earlier process: none before it is given.
 * @param sources for tests.
 */
export function systemClock(notBeforeMicros = 0, sources: TimeSources = MACHINE): Clock {
  let originMicros = (sources.wallMs() - sources.monotonicMs()) * 1000;
  let last = notBeforeMicros;
  let lookAtMs = sources.monotonicMs() + LOOK_MS;
  return {
    nowMicros() {
      const monotonicMs = sources.monotonicMs();
      if (monotonicMs >= lookAtMs) {
        lookAtMs = monotonicMs + LOOK_MS;
        // The wall clock first: where the thread waits between the two, the origin is too early, and is left as it is.
        const wallOriginMicros = (sources.wallMs() - sources.monotonicMs()) * 1000;
        if (wallOriginMicros - originMicros > BEHIND_MICROS) originMicros = wallOriginMicros;
      }
      const now = Math.floor(originMicros + monotonicMs * 1000);
      if (now > last) last = now;
      return last;
    },
  };
}

/** A clock that stands until it is moved: for tests and replays. */
export interface ManualClock extends Clock {
  /** Moves to a later instant; an earlier one is ignored, as the real clock does. */
  advanceTo(micros: number): void;
}

/** @param startMicros where the clock stands at first. */
export function manualClock(startMicros: number): ManualClock {
  let now = startMicros;
  return {
    nowMicros: () => now,
    advanceTo(micros) {
      if (micros > now) now = micros;
    },
  };
}
