// Eight processes, delta-rs and Spark change one table and are killed with SIGKILL, for ten minutes: `--seconds`,
// `--workers`, `--where local|s3`, `--no-spark` (on S3 it takes no part: its LogStore is one for local disks). Nothing that was told is lost, nothing is doubled, every version can be read.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, printTable } from './figures.mjs';
import { compiledTests } from './storage-simulation-code.mjs';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    seconds: { type: 'string', default: '600' },
    workers: { type: 'string', default: '8' },
    where: { type: 'string', default: 'local' },
    spark: { type: 'boolean', default: true },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const code = compiledTests();
const { deltaRs, spark } = await import(`${code}/test/e2e/storage-kill-engines.js`);
const { runKills } = await import(`${code}/test/e2e/storage-kill-run.js`);
const folder = mkdtempSync(join(tmpdir(), 'sentinela-kills-'));
const root = new URL('..', import.meta.url).pathname;
const withSpark = values.spark && values.where === 'local';
const others = [deltaRs(root, `${root}.cache/python/bin/python`), ...(withSpark ? [spark(root, folder)] : [])];
const gateway = values.where === 's3' ? await startGateway() : undefined;
const report = await runKills({
  uri: gateway === undefined ? join(folder, 'table') : `s3://${gateway.bucket}/kills/table`,
  folder,
  code,
  environment: { ...process.env, ...gateway?.environment },
  workers: Number(values.workers),
  others,
  seconds: Number(values.seconds),
  seed: Number(values.seed),
});
gateway?.stop();
rmSync(folder, { recursive: true, force: true });

async function startGateway() {
  const { startVersityGateway } = await import(`${code}/test/running-s3.js`);
  // Compiled code lies elsewhere and does not find it.
  return startVersityGateway(`${root}.cache/go/bin/versitygw`);
}

const { ledgers } = report;
const faults = [
  ...report.wrong,
  ...report.doubled.map((id) => `${id} is there twice`),
  ...report.unreadable,
  ...report.failed,
];
console.log(`kills, ${values.where}, seed ${values.seed}, ${machine()}`);
printTable([
  {
    seconds: Number(values.seconds),
    processes: [values.workers, ...others.map(({ name }) => name)].join(' + '),
    kills: report.kills,
    'commits told': ledgers.committed,
    refused: ledgers.refused,
    unanswered: ledgers.unanswered,
    versions: report.versions,
    'live rows': report.liveRows,
    wrong: report.wrong.length,
    doubled: report.doubled.length,
    unreadable: report.unreadable.length,
  },
]);
for (const [name, { committed, kills }] of Object.entries(report.others)) {
  console.log(`  ${name}: ${committed} commits told, ${kills} kills`);
}
if (withSpark && report.others.Spark.committed === 0) faults.push('Spark committed nothing');
for (const [why, times] of ledgers.errors) console.log(`  ${times} × ${why}`);
for (const fault of faults.slice(0, 10)) console.log(`  ! ${fault}`);
console.log(faults.length === 0 ? 'nothing lost, nothing doubled: met' : `${faults.length} faults: NOT MET`);
process.exit(faults.length === 0 ? 0 : 5);
