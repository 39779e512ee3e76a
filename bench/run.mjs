// `npm run bench`: every bench, or those whose names are given: `npm run bench -- http lake-jobs`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ownEnvironment } from '../scripts/own-environment.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const all = readdirSync('bench').filter((name) => name.endsWith('.bench.mjs'));
const wanted = process.argv.slice(2);
const chosen = all.filter((name) => wanted.length === 0 || wanted.includes(name.replace('.bench.mjs', '')));
if (chosen.length === 0 || chosen.length < wanted.length) {
  console.error(`there is: ${all.map((name) => name.replace('.bench.mjs', '')).join(', ')}`);
  process.exit(2);
}
if (spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' }).status !== 0) process.exit(1);
let failed = 0;
for (const name of chosen) {
  console.log(`\n== ${name}`);
  if (spawnSync(process.execPath, [`bench/${name}`], { stdio: 'inherit', env: ownEnvironment() }).status !== 0)
    failed += 1;
}
process.exit(failed === 0 ? 0 : 5);
