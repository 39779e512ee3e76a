// How long `features materialize` takes for a million active entities, and how fast the start after it is. Wanted: ready
// within 30 s for each million of active entities (accounts, pairs, holders, keys and devices that the state has).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, median, printTable } from './figures.mjs';
import { killServer, startServer } from './serving.mjs';

const COUNT = Number(process.env.COUNT ?? 600_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const WANTED_SECONDS = 30;
const folder = mkdtempSync(join(tmpdir(), 'sentinela-materialize-'));
const payments = join(folder, 'payments.ndjson');
const data = join(folder, 'data');

function sentinela(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return stdout;
}

sentinela('simulate', '--count', String(COUNT), '--seed', '4', '--out', payments);
sentinela('import', payments, '--labels', `${payments}.labels.ndjson`, '--data-dir', data);
const materialize = () => JSON.parse(sentinela('features', 'materialize', '--data-dir', data, '--json'));
const cold = [];
const warm = [];
let made;
for (let round = 0; round < ROUNDS; round += 1) {
  rmSync(join(data, 'state'), { recursive: true, force: true });
  made = materialize();
  cold.push(made.elapsedMs / 1000);
  const server = await startServer(data);
  warm.push(server.readyMs / 1000);
  await killServer(server);
}
const again = materialize();
rmSync(folder, { recursive: true, force: true });
const millions = made.entities / 1e6;
const row = (what, seconds) => ({
  what,
  'median s': seconds.toFixed(1),
  's for 1 M active entities': (seconds / millions).toFixed(1),
});
console.log(
  `\n${made.payments.toLocaleString('en-US')} payments, ${made.entities.toLocaleString('en-US')} active entities, a snapshot of ${Math.round(made.snapshotBytes / 1e6)} MB; ${machine()}`,
);
printTable([
  row('features materialize, from silver', median(cold)),
  row('features materialize again, from the snapshot', again.elapsedMs / 1000),
  row('start from the snapshot', median(warm)),
]);
const met = median(warm) / millions <= WANTED_SECONDS;
console.log(`wanted of a warm start: at most ${WANTED_SECONDS} s for 1 M active entities: ${met ? 'met' : 'NOT MET'}`);
process.exit(met ? 0 : 5);
