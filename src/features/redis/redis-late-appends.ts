/** What is waiting to be appended. */
interface Waiting<T> {
  readonly item: T;
  attempts: number;
}

/** How many are tried at once. */
const BATCH = 32;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2000;

/**
 * Appends whose outcome is not known, tried again until it is. An append counts once however often
 * it is tried, so trying costs nothing but time. Beyond the limit those that come are given up: their
 * events stay without a number, and the next epoch's base holds them. The oldest may have reached Redis when it went
 * away, and are those whose outcome has to be found out.
 */
export class LateAppends<T> {
  readonly #append: (item: T) => Promise<boolean>;
  readonly #limit: number;
  readonly #waiting = new Map<string, Waiting<T>>();
  #timer: NodeJS.Timeout | undefined;
  #running = false;
  #closed = false;
  #delayMs = FIRST_DELAY_MS;
  #givenUp = 0;

  /** @param append tries one; true where its outcome is known now. */
  constructor(limit: number, append: (item: T) => Promise<boolean>) {
    this.#limit = limit;
    this.#append = append;
  }

  /** How many wait. */
  get count(): number {
    return this.#waiting.size;
  }

  /** How many were given up. */
  get givenUp(): number {
    return this.#givenUp;
  }

  /** Adds an append; one of the same name that waits already stays. */
  add(name: string, item: T): void {
    if (this.#waiting.has(name)) return;
    if (this.#waiting.size >= this.#limit) {
      this.#givenUp += 1;
      return;
    }
    this.#waiting.set(name, { item, attempts: 0 });
    this.#schedule();
  }

  /** Whether one waits. */
  has(name: string): boolean {
    return this.#waiting.has(name);
  }

  /** Everything that waits, by its name. */
  entries(): (readonly [string, T])[] {
    return Array.from(this.#waiting, ([name, { item }]) => [name, item] as const);
  }

  /** Counts one that was given up for another reason. */
  giveUp(): void {
    this.#givenUp += 1;
  }

  /** Forgets one: its outcome was learned otherwise. */
  remove(name: string): void {
    this.#waiting.delete(name);
  }

  /** Tries soon, because something changed. */
  hurry(): void {
    this.#delayMs = FIRST_DELAY_MS;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule(0);
  }

  /** Stops trying. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(delayMs = this.#delayMs): void {
    if (this.#closed || this.#running || this.#timer !== undefined || this.#waiting.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#run();
    }, delayMs);
    this.#timer.unref();
  }

  async #run(): Promise<void> {
    this.#running = true;
    const batch: (readonly [string, Waiting<T>])[] = [];
    for (const waiting of this.#waiting) {
      if (batch.length === BATCH) break;
      batch.push(waiting);
    }
    const outcomes = await Promise.allSettled(batch.map(([, { item }]) => this.#append(item)));
    let known = 0;
    for (const [at, [name, waiting]] of batch.entries()) {
      const outcome = outcomes[at];
      if (outcome?.status !== 'fulfilled' || !outcome.value) continue;
      if (this.#waiting.get(name) === waiting) this.#waiting.delete(name);
      known += 1;
    }
    this.#running = false;
    this.#delayMs = known > 0 ? FIRST_DELAY_MS : Math.min(this.#delayMs * 2, LONGEST_DELAY_MS);
    this.#schedule(known === batch.length ? 0 : this.#delayMs);
  }
}
