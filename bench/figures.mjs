import { spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** The middle of some numbers. */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Where a figure was measured. */
export function machine() {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout?.trim() || 'no commit';
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${gib} GiB, Node ${process.version}, commit ${commit}`;
}

/** Prints rows of one form as a table. */
export function printTable(rows) {
  const names = Object.keys(rows[0] ?? {});
  const cells = [
    names,
    ...rows.map((row) =>
      names.map((name) =>
        typeof row[name] === 'number' ? row[name].toLocaleString('en-US') : String(row[name] ?? ''),
      ),
    ),
  ];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column].length)));
  for (const [at, line] of cells.entries()) {
    console.log(
      line
        .map((cell, column) =>
          at > 0 && typeof rows[at - 1][names[column]] === 'number'
            ? cell.padStart(widths[column])
            : cell.padEnd(widths[column]),
        )
        .join('  '),
    );
  }
}
