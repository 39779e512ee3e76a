interface Pending {
  readonly dueMs: number;
  settled: boolean;
  readonly expire: () => void;
}

/** How late a deadline may be noticed: a twentieth of the default deadline. */
const TICK_MS = 5;

/**
 * One deadline for many promises. A timer a request costs 1.5 µs and a heap of timers; as the
 * time allowed is the same for all, a queue and one ticking timer do.
 */
export class Deadline {
  readonly #allowedMs: number;
  readonly #timer: NodeJS.Timeout;
  #queue: Pending[] = [];
  #head = 0;

  constructor(allowedMs: number) {
    this.#allowedMs = allowedMs;
    this.#timer = setInterval(() => this.#expire(performance.now()), TICK_MS);
    this.#timer.unref();
  }

  /** The promise's outcome, or `late()` thrown once the time is up; the promise itself goes on. */
  hold<T>(promise: Promise<T>, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        dueMs: performance.now() + this.#allowedMs,
        settled: false,
        expire: () => reject(late()),
      };
      this.#queue.push(pending);
      promise.then(
        (value) => {
          pending.settled = true;
          resolve(value);
        },
        (error: unknown) => {
          pending.settled = true;
          reject(error);
        },
      );
    });
  }

  /** Stops the timer. */
  close(): void {
    clearInterval(this.#timer);
  }

  #expire(nowMs: number): void {
    while (this.#head < this.#queue.length) {
      const pending = this.#queue[this.#head] as Pending;
      if (!pending.settled && pending.dueMs > nowMs) break;
      if (!pending.settled) pending.expire();
      this.#head += 1;
    }
    if (this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }
}
