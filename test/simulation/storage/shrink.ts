import type { Plan, PlannedStep } from './plan.ts';
import { type RunReport, simulate } from './simulate.ts';

/** Schedules that are tried for a smaller plan: fewer steps meet at other moments. */
const SCHEDULES = 4;

/** The smallest plan that was found to fail, and how it does. */
export interface Shrunk {
  readonly plan: Plan;
  readonly report: RunReport;
  readonly runs: number;
}

/**
 * Makes a failing plan smaller: leaves out halves, quarters, … of its faults and its steps, then pauses and slow
 * processes, as long as it fails in some schedule.
 *
 * @param budgetRuns runs after which the smallest so far is given.
 */
export async function shrink(failing: Plan, report: RunReport, budgetRuns: number): Promise<Shrunk> {
  let smallest: Shrunk = { plan: failing, report, runs: 0 };
  let runs = 0;
  const attempt = async (plan: Plan): Promise<boolean> => {
    for (let schedule = 0; schedule < SCHEDULES && runs < budgetRuns; schedule += 1) {
      runs += 1;
      const tried = { ...plan, schedule: plan.schedule + schedule };
      const result = await simulate(tried);
      if (result.violations.length === 0) continue;
      smallest = { plan: tried, report: result, runs };
      return true;
    }
    return false;
  };
  for (let isSmaller = true; isSmaller && runs < budgetRuns; ) {
    const before = sizeOf(smallest.plan);
    await withoutSome(
      () => smallest.plan.faults,
      (faults) => attempt({ ...smallest.plan, faults }),
    );
    await withoutSome(
      () => stepsOf(smallest.plan),
      (steps) => attempt(withSteps(smallest.plan, steps)),
    );
    await attempt({ ...smallest.plan, rounds: [{ pauseMs: 0, steps: stepsOf(smallest.plan) }] });
    isSmaller = sizeOf(smallest.plan) < before;
  }
  return { ...smallest, runs };
}

/** Leaves out parts of a list, from halves down to single items, where what is left still fails. */
async function withoutSome<T>(
  current: () => readonly T[],
  fails: (left: readonly T[]) => Promise<boolean>,
): Promise<void> {
  for (let size = Math.ceil(current().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < current().length; ) {
      const list = current();
      const left = [...list.slice(0, at), ...list.slice(at + size)];
      if (!(await fails(left))) at += size;
    }
  }
}

function sizeOf(plan: Plan): number {
  return plan.faults.length + stepsOf(plan).length + plan.rounds.length;
}

function stepsOf({ rounds }: Plan): readonly PlannedStep[] {
  return rounds.flatMap(({ steps }) => steps);
}

function withSteps(plan: Plan, kept: readonly PlannedStep[]): Plan {
  const wanted = new Set(kept.map(({ number }) => number));
  return {
    ...plan,
    rounds: plan.rounds.map((round) => ({
      ...round,
      steps: round.steps.filter(({ number }) => wanted.has(number)),
    })),
  };
}

/** A failing plan for a person: what was done, what befell it, and the calls in their order. */
export function describeFailure({ plan, report, runs }: Shrunk): string {
  const hours = (ms: number): string => `${Math.round(ms / 360_000) / 10} h`;
  const steps = plan.rounds.flatMap(({ pauseMs, steps: own }) => [
    ...(pauseMs > 0 ? [`  nothing happens for ${hours(pauseMs)}`] : []),
    ...own.map(({ number, process, action }) => `  step ${number}, process ${process}: ${JSON.stringify(action)}`),
  ]);
  return [
    `seed ${plan.seed}, schedule ${plan.schedule}, made smaller in ${runs} runs`,
    `  ${JSON.stringify(plan.configuration)}, compaction ${plan.compactionInterval ?? 'off'}`,
    ...report.violations.slice(0, 5).map((text) => `  ! ${text}`),
    ...steps,
    'calls:',
    ...report.trace.map((line) => `  ${line}`),
  ].join('\n');
}
