import { AppError } from '../../../src/base/errors.ts';
import type { Random } from '../../../src/base/random.ts';

/** What befalls one call of the store. What it cannot befall, it fails before it has an effect. */
export type FaultKind =
  /** The call has no effect and fails. */
  | 'refused'
  /** The call has its effect, and the answer is lost. */
  | 'answer_lost'
  /** The call fails, and a write lands some turns later. */
  | 'late'
  /** As `late`, for writes alone. */
  | 'late_write'
  /** Half of a data file, or of a hint, is left; the process dies. */
  | 'torn'
  /** The process dies before the effect, after it, or before a write that lands later. */
  | 'crash_before'
  | 'crash_after'
  | 'crash_late'
  /** A listing leaves out what was written last. */
  | 'stale';

/** What a call does, and what its faults may do. */
export interface StoreCall<T> {
  readonly kind: 'get' | 'list' | 'put' | 'put-if-absent' | 'delete';
  readonly key: string;
  /** The effect. @param stale whether a listing is to leave out what was written last. */
  act(stale: boolean): T;
  /** Leaves half of it. */
  tear?(): void;
}

/** A process of the simulation: it runs one step at a time, and only it runs while it does. */
export interface SimulatedProcess {
  readonly number: number;
  /** How often it is chosen among others. */
  readonly weight: number;
  /** Counts its lives: calls of an earlier one fail at once. */
  life: number;
  isBusy: boolean;
}

interface Pending {
  readonly process: SimulatedProcess;
  readonly call: StoreCall<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** What calls of a process that died fail with. */
export class ProcessDied extends Error {}

/** Turns after which a late write lands at the latest. */
const LATEST_TURNS = 40;

/**
 * Interleaves processes by a seed. A process waits at each call of the store; one waiting call is chosen, has its
 * effect, and its process runs on to its next call before the next one is chosen. So a schedule is a list of
 * choices, and the same seed gives the same one.
 */
export class Schedule {
  readonly trace: string[] = [];
  calls = 0;
  readonly #random: Random;
  readonly #faults: ReadonlyMap<number, FaultKind>;
  readonly #onTurn: () => void;
  readonly #pending: Pending[] = [];
  readonly #late: { readonly land: () => void; readonly atTurn: number }[] = [];
  #turn = 0;
  #wake: (() => void) | undefined;

  /** @param faults by the number of the call that they befall; @param onTurn moves the clock. */
  constructor(random: Random, faults: ReadonlyMap<number, FaultKind>, onTurn: () => void) {
    this.#random = random;
    this.#faults = faults;
    this.#onTurn = onTurn;
  }

  /** Waits until the call is chosen. */
  call<T>(process: SimulatedProcess, life: number, call: StoreCall<T>): Promise<T> {
    if (process.life !== life) return Promise.reject(new ProcessDied('the process died'));
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({ process, call, resolve: resolve as (value: unknown) => void, reject });
      this.#wake?.();
    });
  }

  /** Runs all steps of processes, each one's in their order, until none is left and nobody is busy. */
  async run(processes: readonly SimulatedProcess[], steps: readonly (() => Promise<void>)[][]): Promise<void> {
    const left = steps.map((own) => [...own]);
    for (;;) {
      const ready = processes.filter((process) => !process.isBusy && (left[process.number]?.length ?? 0) > 0);
      const waiting = this.#pending.filter(({ process }) => process.isBusy);
      if (ready.length === 0 && waiting.length === 0) break;
      this.#nextTurn();
      const chosen = this.#choose(ready, waiting);
      if ('call' in chosen) await this.#answer(chosen);
      else await this.#start(chosen, left[chosen.number]?.shift() as () => Promise<void>);
    }
    for (const { land } of this.#late.splice(0)) land();
  }

  #nextTurn(): void {
    this.#turn += 1;
    this.#onTurn();
    for (const late of this.#late.filter(({ atTurn }) => atTurn <= this.#turn)) {
      this.#late.splice(this.#late.indexOf(late), 1);
      late.land();
    }
  }

  #choose(ready: readonly SimulatedProcess[], waiting: readonly Pending[]): SimulatedProcess | Pending {
    const options = [...ready.map((process) => ({ process, what: process as SimulatedProcess | Pending }))];
    for (const what of waiting) options.push({ process: what.process, what });
    let at = this.#random.next() * options.reduce((sum, { process }) => sum + process.weight, 0);
    for (const { process, what } of options) {
      at -= process.weight;
      if (at < 0) return what;
    }
    return (options[0] as (typeof options)[number]).what;
  }

  async #start(process: SimulatedProcess, step: () => Promise<void>): Promise<void> {
    process.isBusy = true;
    const ended = (): void => {
      process.isBusy = false;
      this.#wake?.();
    };
    step().then(ended, ended);
    await this.#rest(process);
  }

  async #answer(pending: Pending): Promise<void> {
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    this.calls += 1;
    const { process, call } = pending;
    const fault = this.#faults.get(this.calls);
    const does = fault === undefined ? '' : ` ! ${fault}`;
    this.trace.push(`${this.calls} p${process.number} ${call.kind} ${call.key}${does}`);
    if (fault === undefined) pending.resolve(call.act(false));
    else this.#befall(pending, fault);
    await this.#rest(process);
  }

  #befall(pending: Pending, fault: FaultKind): void {
    const { process, call } = pending;
    const isWrite = call.kind === 'put' || call.kind === 'put-if-absent';
    if (fault === 'late_write' && !isWrite) {
      pending.resolve(call.act(false));
      return;
    }
    if (call.kind === 'list') {
      pending.resolve(call.act(true));
      return;
    }
    if (fault === 'answer_lost' || fault === 'crash_after') call.act(false);
    if (isWrite && fault.includes('late')) {
      const atTurn = this.#turn + 1 + this.#random.below(LATEST_TURNS);
      this.#late.push({ land: () => void call.act(false), atTurn });
    }
    if (fault === 'torn') call.tear?.();
    if (fault === 'torn' || fault.startsWith('crash')) this.#kill(process, pending);
    else pending.reject(new AppError('storage_failed', `${fault} by the simulation`));
  }

  #kill(process: SimulatedProcess, pending: Pending): void {
    process.life += 1;
    pending.reject(new ProcessDied('the process died'));
    for (const other of this.#pending.filter((candidate) => candidate.process === process)) {
      this.#pending.splice(this.#pending.indexOf(other), 1);
      other.reject(new ProcessDied('the process died'));
    }
  }

  /** Waits until a process waits at a call, or has ended its step. */
  async #rest(process: SimulatedProcess): Promise<void> {
    await nextTurn();
    while (process.isBusy && !this.#pending.some((pending) => pending.process === process)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
      // Calls that are made together come in one turn.
      await nextTurn();
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
