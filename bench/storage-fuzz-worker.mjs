// Reads hostile logs of seeds in a process of its own; tells what they ended in.
const [code, from, step, until] = process.argv.slice(2);
const { hostileLog, readHostile, soundTable } = await import(`${code}/test/simulation/storage/hostile-log.js`);
const sound = await soundTable();
const figures = { logs: 0, codes: {}, faults: [], memoryMb: 0, slowestMs: 0 };
process.on('uncaughtException', (error) => {
  console.error('a fault that no promise told of:', error);
  process.exit(1);
});
for (let seed = Number(from); seed < Number(until); seed += Number(step)) {
  const { files, changes } = hostileLog(sound, seed);
  const began = performance.now();
  const { codes, faults } = await readHostile(files, seed);
  figures.slowestMs = Math.max(figures.slowestMs, Math.round(performance.now() - began));
  figures.logs += 1;
  for (const code of codes) figures.codes[code] = (figures.codes[code] ?? 0) + 1;
  for (const fault of faults) figures.faults.push(`seed ${seed}: ${fault}\n  ${changes.join('; ')}`);
  if (figures.logs % 100 === 0)
    figures.memoryMb = Math.max(figures.memoryMb, Math.round(process.memoryUsage().rss / 2 ** 20));
}
process.send(figures, () => process.exit(0));
