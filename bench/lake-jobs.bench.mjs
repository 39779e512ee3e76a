// Simulator, import and jobs in rows a second, each in this process after a warm-up; and what a
// score of the model costs, alone and by what waits.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine, printTable } from './figures.mjs';

const COUNT = Number(process.env.COUNT ?? 200_000);
const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const { writeSimulation, labelsPathOf } = await dist('simulator/write-simulation.js');
const { simulationOptions } = await dist('simulator/options.js');
const { importFile } = await dist('pipeline/import-file.js');
const { bronzeToSilver } = await dist('pipeline/bronze-to-silver.js');
const { silverToGold } = await dist('pipeline/silver-to-gold.js');
const { ensureLake } = await dist('pipeline/lake.js');
const { localObjectStore } = await dist('storage/store/local-object-store.js');
const { systemClock } = await dist('base/clock.js');
const { openModelRegistry } = await dist('scoring/model-registry.js');
const { onnxScorer } = await dist('scoring/onnx-scorer.js');

const rows = [];
async function timed(what, count, act) {
  const began = performance.now();
  await act();
  const seconds = (performance.now() - began) / 1000;
  rows.push({ what, rows: count, seconds: seconds.toFixed(2), 'rows/s': Math.round(count / seconds) });
}

const folder = mkdtempSync(join(tmpdir(), 'sentinela-jobs-'));
const paymentsPath = join(folder, 'payments.ndjson');
const paths = { paymentsPath, labelsPath: labelsPathOf(paymentsPath) };
writeSimulation(simulationOptions({ count: 20_000, seed: 1 }), paths);
await timed('simulate', COUNT, () => writeSimulation(simulationOptions({ count: COUNT, seed: 2 }), paths));

const clock = systemClock();
const temporaryFolder = join(folder, 'tmp');
mkdirSync(temporaryFolder);
const lake = await ensureLake(localObjectStore(join(folder, 'lake')), { clock });
const ports = { lake, clock, temporaryFolder };
await timed('import NDJSON, silver included', COUNT, () =>
  importFile({ file: paths.paymentsPath, labels: paths.labelsPath }, ports),
);
await timed('bronze-to-silver, nothing new', COUNT, () => bronzeToSilver(ports));
await timed('silver-to-gold', COUNT, () => silverToGold(ports));
await timed('import again: recognised', COUNT, () =>
  importFile({ file: paths.paymentsPath, labels: paths.labelsPath }, ports),
);
rmSync(folder, { recursive: true, force: true });

const champion = await (await openModelRegistry('models')).load('champion');
const { name, version, features } = champion.card.featureSet;
const scorer = await onnxScorer(champion, { name, version, names: features });
const vector = new Float32Array(features.length).fill(Number.NaN);
const SCORES = 20_000;
for (let warm = 0; warm < 2_000; warm += 1) await scorer.score(vector);
await timed('score, one at a time', SCORES, async () => {
  for (let at = 0; at < SCORES; at += 1) await scorer.score(vector);
});
await timed('score, 64 at a time', SCORES * 5, async () => {
  for (let at = 0; at < SCORES * 5; at += 64) await Promise.all(Array.from({ length: 64 }, () => scorer.score(vector)));
});
await scorer.close();

console.log(`\nsimulator, import, jobs and model; ${machine()}`);
printTable(rows);
