import { type Clock, manualClock } from '../../../src/base/clock.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { createTable, openTable, type TableEnvironment } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';
import type { Plan } from './plan.ts';
import { directStore, processStore } from './process-store.ts';
import { checkRun } from './run-check.ts';
import { Schedule, type SimulatedProcess } from './schedule.ts';
import { SimulatedObjects, STALE_MS } from './simulated-objects.ts';
import { RowReader } from './stored-rows.ts';
import { type Handle, performStep, type Told } from './table-actions.ts';

/** What came of a run. */
export interface RunReport {
  /** Empty where all is well. */
  readonly violations: readonly string[];
  /** Calls of the store in their order, with what befell them. */
  readonly trace: readonly string[];
  readonly commits: number;
  readonly calls: number;
}

const TABLE = 't';
const SCHEMA = structOf([field('id', 'long'), field('part', 'string'), field('value', 'long')]);
/** How far the clocks of two processes are apart. */
const SKEW_MICROS = 700_000;
const START_MS = 1_800_000_000_000;

/** Runs a plan and checks what came of it: the same plan gives the same report. */
export async function simulate(plan: Plan): Promise<RunReport> {
  const restoreTimers = quickenTimers();
  try {
    return await simulateNow(plan);
  } finally {
    restoreTimers();
  }
}

async function simulateNow(plan: Plan): Promise<RunReport> {
  const random = seededRandom(plan.seed, 1000 + plan.schedule);
  const clock = manualClock(START_MS * 1000);
  const nowMs = (): number => clock.nowMicros() / 1000;
  const wait = (durationMs: number): void => clock.advanceTo((nowMs() + durationMs) * 1000);
  const objects = new SimulatedObjects(nowMs);
  const environment: TableEnvironment = {
    clock,
    newUuid: uuids(plan.seed),
    ...(plan.compactionInterval === undefined ? {} : { compactionInterval: plan.compactionInterval }),
  };
  const { configuration } = plan;
  await createTable(
    directStore(objects),
    { path: TABLE, schema: SCHEMA, partitionColumns: ['part'], configuration },
    environment,
  );
  // No listing leaves the table itself out.
  wait(STALE_MS);
  const faults = new Map(plan.faults.map(({ call, kind }) => [call, kind]));
  const schedule = new Schedule(random, faults, () => wait(1 + random.below(40)));
  const told: Told = { attempts: [], sightings: [], unexpected: [], unread: [], lastVacuumMs: 0 };
  const reader = new RowReader(TABLE);
  const processes = plan.weights.map(
    (weight, number): SimulatedProcess => ({ number, weight, life: 0, isBusy: false }),
  );
  // No two machines have one time.
  const skewed = ({ number }: SimulatedProcess): Clock => ({
    nowMicros: () => clock.nowMicros() + number * SKEW_MICROS,
  });
  const open = (process: SimulatedProcess): Handle => ({
    table: openTable(processStore(objects, schedule, process), TABLE, { ...environment, clock: skewed(process) }),
    reader,
    told,
    nowMs,
  });
  const handles = processes.map((process) => ({ process, life: 0, handle: open(process) }));
  const handleOf = (number: number): Handle => {
    const held = handles[number] as (typeof handles)[number];
    if (held.life !== held.process.life) {
      held.life = held.process.life;
      held.handle = open(held.process);
    }
    return held.handle;
  };
  for (const { pauseMs, steps } of plan.rounds) {
    wait(pauseMs);
    const own = processes.map(({ number }) =>
      steps
        .filter(({ process }) => process === number)
        .map((step) => () => performStep(handleOf(number), step, () => handleOf(number))),
    );
    await schedule.run(processes, own);
  }
  const direct = (): ReturnType<typeof openTable> => openTable(directStore(objects), TABLE, environment);
  const violations = await checkRun({
    objects,
    told,
    nowMs: nowMs(),
    table: TABLE,
    reader,
    isSerializable: configuration['delta.isolationLevel'] === 'Serializable',
    open: direct,
  });
  const { version } = await direct().snapshot();
  return { violations, trace: schedule.trace, commits: version, calls: schedule.calls };
}

/** UUIDs of a seed: names of files order listings, so they belong to the schedule. */
function uuids(seed: number): () => string {
  const random = seededRandom(seed, 77);
  const hex = (digits: number): string => Array.from({ length: digits }, () => random.below(16).toString(16)).join('');
  return () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
}

/**
 * Waits after lost races end at once: time is the simulation's. Only one process runs at a time, so that how long it
 * really waits decides nothing, and half of the time of a run would be spent on it.
 */
function quickenTimers(): () => void {
  const real = globalThis.setTimeout;
  const quick = (act: (...values: unknown[]) => void, delayMs?: number, ...values: unknown[]): unknown =>
    delayMs !== undefined && delayMs <= 200 ? setImmediate(act, ...values) : real(act, delayMs, ...values);
  globalThis.setTimeout = quick as typeof setTimeout;
  return () => {
    globalThis.setTimeout = real;
  };
}
