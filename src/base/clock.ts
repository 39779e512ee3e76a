/** A source of time. Everything below `cli` takes one as an argument. */
export interface Clock {
  /** Microseconds since 1970-01-01T00:00:00Z, an integer, never smaller than an earlier answer. */
  nowMicros(): number;
}

/**
 * The machine's clock, held from going back within the process (an NTP step does that).
 *
 * @param notBeforeMicros an instant that was told before, by an earlier process: none before it is given.
 */
export function systemClock(notBeforeMicros = 0): Clock {
  const originMicros = performance.timeOrigin * 1000;
  let last = notBeforeMicros;
  return {
    nowMicros() {
      const now = Math.floor(originMicros + performance.now() * 1000);
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
