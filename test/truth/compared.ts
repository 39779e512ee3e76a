import { join } from 'node:path';
import { expect } from 'vitest';
import type { ExportDiff } from '../../src/training-export/diff-exports.ts';
import type { Stage, TruthRun } from './truth-run.ts';

/** What was compared and found equal. */
export interface Compared {
  readonly decisions: number;
  readonly values: number;
}

const EXPORT = ['export', 'create', '--from', 'silver.transactions', '--features', 'pix-core', '--labels-as-of'];
const HOW = ['2100-01-01', '--double', '--status', 'packed', '--leakage', 'off', '--json'];

/** The folder of the export of a run whose values are recomputed. */
export function recomputedExport({ folder }: TruthRun): string {
  return join(folder, 'as-recomputed');
}

/** Compares served with recomputed values in three ways; every one must compare values, and find none that differs. */
export async function compared(run: TruthRun): Promise<Compared> {
  const { dataDir } = run;
  const [served, recomputed] = [join(run.folder, 'as-served'), recomputedExport(run)];
  const create = async (stage: Stage, out: string, ...more: string[]): Promise<unknown> =>
    (await stage.program([...EXPORT, ...HOW, '--out', out, '--data-dir', dataDir, ...more]))[0];
  const check = await run.stage('features check', async (stage) => {
    const [report] = await stage.program(['features', 'check', '--json', '--data-dir', dataDir]);
    expect(report).toMatchObject({ differingValues: 0, otherVersions: 0, first: null });
    return { decisions: Number(report?.decisions), values: Number(report?.comparedValues) };
  });
  await run.stage('export as served', async (stage) => {
    const { served: report } = (await create(stage, served, '--from-decisions')) as { served?: unknown };
    expect(report).toMatchObject({ comparedValues: check.values, differingValues: 0 });
    return report;
  });
  await run.stage('export recomputed', (stage) => create(stage, recomputed));
  await run.stage('export diff', async (stage) => {
    const [diff] = (await stage.program(['export', 'diff', served, recomputed, '--json'])) as unknown as [ExportDiff];
    expect(diff).toMatchObject({ values: [], rowsInBoth: check.decisions, rowsOnlyInFirst: 0 });
    return diff.rowsInBoth;
  });
  return check;
}
