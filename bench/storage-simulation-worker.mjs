// Runs seeds of the storage simulation in a process of its own; tells of each failure, and of what it did.
const [code, from, step, until, kind, endMs] = process.argv.slice(2);
const { simulate } = await import(`${code}/test/simulation/storage/simulate.js`);
const { DUCKDB_SIZE, planOf, SCRIPT_SIZE } = await import(`${code}/test/simulation/storage/plan.js`);
const { describeFailure, shrink } = await import(`${code}/test/simulation/storage/shrink.js`);
const SHRINK_RUNS = 400;
const size = kind === 'duckdb' ? DUCKDB_SIZE : SCRIPT_SIZE;
const figures = { seeds: 0, commits: 0, calls: 0, faults: 0, failed: [], failure: undefined };
for (let seed = Number(from); seed < Number(until) && Date.now() < Number(endMs); seed += Number(step)) {
  const plan = planOf(seed, size);
  const report = await simulate(plan);
  figures.seeds += 1;
  figures.commits += report.commits;
  figures.calls += report.calls;
  figures.faults += plan.faults.filter(({ call }) => call <= report.calls).length;
  if (report.violations.length === 0) continue;
  figures.failed.push(seed);
  // The first is made smaller; the others are most likely the same.
  figures.failure ??= describeFailure(await shrink(plan, report, SHRINK_RUNS));
}
process.send(figures, () => process.exit(0));
