// Logs that a stranger wrote: sound ones with members, lines, bytes and names changed, read and written to.
// `--logs 100000`, else 5,000; `--from` the first seed. No crash, no hang, no write outside the table.
import { fork } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { machine, printTable } from './figures.mjs';
import { compiledTests } from './storage-simulation-code.mjs';

const { values } = parseArgs({
  options: {
    logs: { type: 'string', default: '5000' },
    from: { type: 'string', default: '0' },
    workers: { type: 'string', default: String(cpus().length) },
  },
});
const code = compiledTests();
const [logs, from, workers] = [Number(values.logs), Number(values.from), Number(values.workers)];
const began = performance.now();
const done = await Promise.all(
  Array.from({ length: workers }, (_, at) => {
    const args = [code, from + at, workers, from + logs].map(String);
    const child = fork(new URL('./storage-fuzz-worker.mjs', import.meta.url), args);
    return new Promise((resolve) => {
      child.once('message', resolve);
      child.once('exit', (status) => {
        if (status !== 0)
          resolve({ logs: 0, codes: {}, faults: [`a worker ended with ${status}`], memoryMb: 0, slowestMs: 0 });
      });
    });
  }),
);
const seconds = (performance.now() - began) / 1000;
const codes = {};
for (const figures of done)
  for (const [name, times] of Object.entries(figures.codes)) codes[name] = (codes[name] ?? 0) + times;
const faults = done.flatMap((figures) => figures.faults);
console.log(`hostile logs from seed ${from}, ${workers} workers, ${machine()}`);
printTable(Object.entries(codes).map(([name, times]) => ({ 'ended in': name, calls: times })));
console.log(
  `${done.reduce((sum, figures) => sum + figures.logs, 0).toLocaleString('en-US')} logs in ${Math.round(seconds)} s, ` +
    `${Math.round(logs / seconds)} a second; the slowest took ${Math.max(...done.map(({ slowestMs }) => slowestMs))} ms; ` +
    `a worker took ${Math.max(...done.map(({ memoryMb }) => memoryMb))} MB at most`,
);
for (const fault of faults.slice(0, 5)) console.log(`\n${fault}`);
console.log(faults.length === 0 ? 'no crash, no hang, no write outside: met' : `${faults.length} faults: NOT MET`);
process.exit(faults.length === 0 ? 0 : 5);
