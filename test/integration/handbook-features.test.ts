import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PYTHON, runPython } from '../python.ts';
import { sentinela } from '../running-program.ts';

const PUBLIC = '../shared/data/card-payments-2018-04.csv.gz';
const MAPPING = 'docs/examples/handbook/import.yaml';
const FEATURES = 'docs/examples/handbook/features.yaml';
/** In the order in which the handbook has them. */
const NAMES = [
  'tx_during_weekend',
  'tx_during_night',
  ...[1, 7, 30].flatMap((days) => [`customer_id_nb_tx_${days}day_window`, `customer_id_avg_amount_${days}day_window`]),
  ...[1, 7, 30].flatMap((days) => [`terminal_id_nb_tx_${days}day_window`, `terminal_id_risk_${days}day_window`]),
];

interface Report {
  readonly rows: number;
  readonly ties: number;
  readonly values: number;
  readonly differing: Readonly<Record<string, number>>;
  readonly worst: number;
  readonly names: readonly string[];
}

describe.skipIf(PYTHON === undefined)('the features of the handbook', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sentinela-handbook-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Imports and exports a file by commands, by the set's file or its name in the registry, and compares with pandas. */
  function compared(csv: string, name: string, features = FEATURES): Report {
    const [dataDir, out] = [join(folder, name), join(folder, `${name}-training`)];
    sentinela('import', csv, '--mapping', MAPPING, '--data-dir', dataDir, '--json');
    if (features !== FEATURES) sentinela('features', 'apply', FEATURES, '--yes', '--data-dir', dataDir, '--json');
    const from = ['--from', 'silver.transactions', '--labels-as-of', '2030-01-01', '--horizon', '7d'];
    const set = ['--features', features, '--double', '--status', 'packed'];
    sentinela('export', 'create', '--data-dir', dataDir, ...from, ...set, '--out', out, '--json');
    sentinela('export', 'verify', out, '--data-dir', dataDir, '--json');
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as { features: readonly string[] };
    expect(manifest.features.slice(0, NAMES.length)).toEqual(NAMES);
    const report = runPython('integration/handbook-features.py', { csv, parquet: join(out, 'all.parquet') }) as Report;
    expect([...report.names].sort()).toEqual([...NAMES].sort());
    console.log(
      `${name}: ${report.values.toLocaleString('en-US')} values of ${report.rows.toLocaleString('en-US')} payments compared ` +
        `with pandas, ${Object.keys(report.differing).length} features differ, worst by ${report.worst}`,
    );
    return report;
  }

  it('are those of a plain pandas loop, with ties and a fraud just seven days ago', () => {
    const csv = join(folder, 'ties.csv');
    runPython('integration/handbook-features.py', { csv, seed: 7, count: 6000 });
    const report = compared(csv, 'ties', 'card-handbook');
    expect([report.rows, report.differing]).toEqual([6000, {}]);
    expect(report.ties).toBeGreaterThan(100);
  });

  it.skipIf(!existsSync(PUBLIC))('are those of a plain pandas loop over the public file', () => {
    const report = compared(PUBLIC, 'public');
    expect([report.rows, report.values, report.differing]).toEqual([134_288, 134_288 * NAMES.length, {}]);
  });
});

if (!existsSync(PUBLIC))
  console.log(`skipped: ${PUBLIC} is not here, so the handbook's features are not compared on it`);
