// Processes that append to one table at once; `node storage-appenders.mjs ROOT TABLE COMMITS` is one.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);

/** Runs appenders to their end; gives how often a commit lost its race, and the seconds from the first commit to the last. */
export async function ourAppenders(root, table, count, commits) {
  const one = () =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [self, root, table, String(commits)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let printed = '';
      child.stdout.on('data', (data) => {
        printed += data;
      });
      child.on('exit', (code) =>
        code === 0 ? resolve(JSON.parse(printed)) : reject(new Error(`an appender exited with ${code}`)),
      );
    });
  const answers = await Promise.all(Array.from({ length: count }, one));
  return {
    retries: answers.reduce((sum, { lost }) => sum + lost, 0),
    seconds: (Math.max(...answers.map(({ ended }) => ended)) - Math.min(...answers.map(({ began }) => began))) / 1000,
  };
}

if (process.argv[1] === self) {
  const [, , root, path, commits] = process.argv;
  const dist = (name) => import(new URL(`../dist/${name}`, import.meta.url));
  const { localObjectStore } = await dist('storage/store/local-object-store.js');
  const { openTable } = await dist('storage/table.js');
  const { systemClock } = await dist('base/clock.js');
  const sound = localObjectStore(root);
  let lost = 0;
  const store = {
    ...sound,
    async putIfAbsent(key, bytes) {
      const outcome = await sound.putIfAbsent(key, bytes);
      if (outcome === 'exists' && /\/\d{20}\.json$/.test(key)) lost += 1;
      return outcome;
    },
  };
  const table = openTable(store, path, { clock: systemClock() });
  const rows = Array.from({ length: 100 }, (_, id) => ({
    id,
    account: `account ${id}`,
    amount: id / 100,
    day: 20_000,
  }));
  await table.snapshot();
  const began = Date.now();
  for (let commit = 0; commit < Number(commits); commit += 1) {
    const { kind } = await table.append({ rows });
    if (kind !== 'committed') throw new Error(`an append was ${kind}`);
  }
  console.log(JSON.stringify({ lost, began, ended: Date.now() }));
}
