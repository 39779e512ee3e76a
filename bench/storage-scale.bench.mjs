// A table of a million files: its snapshot beside delta-rs, a scan that a partition decides, the step of
// one commit, and the history of 100,000 commits. FILES and COMMITS set the size.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startDeltaRs } from './delta-rs-peer.mjs';
import { machine, median, printTable } from './figures.mjs';

const FILES = Number(process.env.FILES ?? 1_000_000);
const COMMITS = Number(process.env.COMMITS ?? 100_000);
const self = fileURLToPath(import.meta.url);
const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const { localObjectStore } = await dist('storage/store/local-object-store.js');
const { openTable } = await dist('storage/table.js');
const { bindPredicate, parseExpression } = await dist('storage/expression/expressions.js');
const { judgeFiles } = await dist('storage/scan/prune-snapshot.js');
const { systemClock } = await dist('base/clock.js');
const environment = { clock: systemClock() };
const seconds = (began) => (performance.now() - began) / 1000;

/** In a process of its own, so that its peak of memory is this action's. */
if (process.argv[2] === 'child') {
  const [, , , action, root] = process.argv;
  const table = openTable(localObjectStore(root), 't', environment);
  const began = performance.now();
  const figures = {};
  if (action === 'snapshot') {
    const snapshot = await table.snapshot();
    figures.snapshot = seconds(began);
    figures.files = snapshot.fileCount;
    const where = bindPredicate(parseExpression("day = DATE '2026-01-05'"), snapshot.schema);
    const planned = performance.now();
    figures.kept = judgeFiles(snapshot, where).length;
    figures.scan = seconds(planned);
    const steps = [];
    for (let step = 0; step < 20; step += 1) {
      writeCommit(root, snapshot.version + 1 + step, [add(FILES + 1000 + step)]);
      const stepped = performance.now();
      await table.snapshot();
      steps.push(seconds(stepped));
    }
    figures.step = steps.sort((a, b) => a - b)[10];
  } else {
    let entries = 0;
    for (const _ of await table.history(Number.POSITIVE_INFINITY)) entries += 1;
    figures.history = seconds(began);
    figures.entries = entries;
  }
  figures.peakMb = process.resourceUsage().maxRSS / 1024;
  console.log(JSON.stringify(figures));
  process.exit(0);
}

function add(n) {
  const day = new Date(Date.UTC(2026, 0, 1 + (n % 1000))).toISOString().slice(0, 10);
  const stats = JSON.stringify({
    numRecords: 1000,
    minValues: { id: n * 10, name: `name ${n}` },
    maxValues: { id: n * 10 + 9, name: `name ${n} z` },
    nullCount: { id: 0, name: n % 3 },
  });
  const path = `day=${day}/part-${String(n).padStart(9, '0')}-9f3c1b1e-5d5a-4c39-8a3e-4f3f6f1f2a11.zstd.parquet`;
  return {
    add: {
      path,
      partitionValues: { day },
      size: 1_000_000 + n,
      modificationTime: 1_790_000_000_000,
      dataChange: true,
      stats,
    },
  };
}
function writeCommit(root, version, actions) {
  const lines = [{ commitInfo: { timestamp: 1_790_000_000_000 + version, operation: 'WRITE' } }, ...actions];
  const name = `${String(version).padStart(20, '0')}.json`;
  writeFileSync(join(root, 't/_delta_log', name), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
}
const schemaString = JSON.stringify({
  type: 'struct',
  fields: [
    { name: 'id', type: 'long', nullable: true, metadata: {} },
    { name: 'name', type: 'string', nullable: true, metadata: {} },
    { name: 'day', type: 'date', nullable: true, metadata: {} },
  ],
});
const FIRST = [
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  {
    metaData: {
      id: 'a-table',
      format: { provider: 'parquet', options: {} },
      schemaString,
      partitionColumns: ['day'],
      configuration: {},
    },
  },
];

function child(action, root) {
  const { stdout, status } = spawnSync(process.execPath, ['--max-old-space-size=1400', self, 'child', action, root], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${action} failed`);
  return JSON.parse(stdout);
}

const root = mkdtempSync(join(tmpdir(), 'sentinela-scale-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
mkdirSync(join(root, 't/_delta_log'), { recursive: true });
writeCommit(root, 0, FIRST);
const each = FILES / 20;
for (let commit = 0; commit < 20; commit += 1) {
  writeCommit(
    root,
    commit + 1,
    Array.from({ length: each }, (_, n) => add(commit * each + n)),
  );
}
const began = performance.now();
await openTable(localObjectStore(root), 't', environment).checkpoint();
console.error(`  checkpoint of ${FILES} files written in ${seconds(began).toFixed(1)} s`);
for (let commit = 0; commit < 500; commit += 1) writeCommit(root, 21 + commit, [add(FILES + commit)]);

const peer = startDeltaRs();
const ours = [];
const theirs = [];
for (let round = 0; round < 3; round += 1) {
  theirs.push((await peer.ask('files', { path: join(root, 't') })).seconds);
  ours.push(child('snapshot', root));
  for (let step = 0; step < 20; step += 1)
    rmSync(join(root, 't/_delta_log', `${String(521 + step).padStart(20, '0')}.json`));
}
peer.stop();
const of = (name) => median(ours.map((figures) => figures[name]));

const long = mkdtempSync(join(tmpdir(), 'sentinela-long-'));
process.on('exit', () => rmSync(long, { recursive: true, force: true }));
mkdirSync(join(long, 't/_delta_log'), { recursive: true });
writeCommit(long, 0, FIRST);
for (let commit = 1; commit < COMMITS; commit += 1) writeCommit(long, commit, []);
const history = child('history', long);

const rows = [
  {
    what: `snapshot of ${FILES} files and 500 commits, s`,
    ours: of('snapshot').toFixed(2),
    'delta-rs': median(theirs).toFixed(2),
    limit: '3 × delta-rs',
    met: of('snapshot') <= 3 * median(theirs),
  },
  {
    what: 'its peak of memory, MB',
    ours: of('peakMb').toFixed(0),
    'delta-rs': '',
    limit: '1500',
    met: of('peakMb') <= 1500,
  },
  {
    what: 'files of a scan that a partition decides, s',
    ours: of('scan').toFixed(3),
    'delta-rs': '',
    limit: '0.3',
    met: of('scan') <= 0.3,
  },
  {
    what: 'snapshot updated by one commit, ms',
    ours: (of('step') * 1000).toFixed(2),
    'delta-rs': '',
    limit: '5',
    met: of('step') <= 0.005,
  },
  {
    what: `history of ${COMMITS} commits, s`,
    ours: history.history.toFixed(1),
    'delta-rs': '',
    limit: '',
    met: history.entries === COMMITS,
  },
  {
    what: 'its peak of memory, MB',
    ours: history.peakMb.toFixed(0),
    'delta-rs': '',
    limit: '1500',
    met: history.peakMb <= 1500,
  },
];
console.log(machine());
printTable(rows.map((row) => ({ ...row, met: row.met ? 'yes' : 'NO' })));
process.exit(rows.every(({ met }) => met) ? 0 : 5);
