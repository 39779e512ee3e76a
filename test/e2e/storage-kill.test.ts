import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PYTHON } from '../python.ts';
import { startVersityGateway, VERSITY_GATEWAY } from '../running-s3.ts';
import { deltaRs, spark } from './storage-kill-engines.ts';
import { type KillReport, runKills } from './storage-kill-run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Of this run alone: another's would write over programs that are just being started. */
const CODE = join(ROOT, `.cache/storage-programs-${process.pid}`);
const SEED = Number(process.env.SEED ?? 7);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sentinela-kills-'));
  // Programs that are killed run outside of the test runner, and so as JavaScript.
  const args = ['-p', join(ROOT, 'tsconfig.json'), '--noEmit', 'false', '--rootDir', ROOT, '--outDir', CODE];
  spawnSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...args]);
});
afterAll(() => {
  for (const path of [folder, CODE]) rmSync(path, { recursive: true, force: true });
});

// Spark is killed with them too; its own LogStore would let it overwrite what others committed, so that it uses ours.
describe('processes that are killed while they change one table', () => {
  it('on a local disk, delta-rs and Spark beside them, lose and double nothing', { timeout: 300_000 }, async () => {
    const own = join(folder, 'local');
    mkdirSync(own);
    const report = await runKills({
      uri: join(own, 'table'),
      folder: own,
      code: CODE,
      environment: process.env,
      workers: 4,
      others: [...(PYTHON === undefined ? [] : [deltaRs(ROOT, PYTHON)]), spark(ROOT, own)],
      seconds: 60,
      seed: SEED,
    });
    expectWhole('local disk', report);
    expect(report.others.Spark?.committed).toBeGreaterThan(0);
  });

  it.skipIf(VERSITY_GATEWAY === undefined)(
    'on S3, delta-rs beside them, lose and double nothing',
    { timeout: 300_000 },
    async () => {
      const own = join(folder, 's3');
      mkdirSync(own);
      const s3 = await startVersityGateway();
      try {
        const report = await runKills({
          uri: `s3://${s3.bucket}/kills/table`,
          folder: own,
          code: CODE,
          environment: { ...process.env, ...s3.environment },
          workers: 4,
          others: PYTHON === undefined ? [] : [deltaRs(ROOT, PYTHON)],
          seconds: 20,
          seed: SEED,
        });
        expectWhole('S3', report);
      } finally {
        s3.stop();
      }
    },
  );
});

function expectWhole(where: string, { ledgers, ...report }: KillReport): void {
  const { committed, refused, unanswered, errors } = ledgers;
  console.log(
    `${where}, seed ${SEED}: ${report.kills} kills, ${committed} commits told, ${refused} refused, ${unanswered} ` +
      `unanswered, ${report.versions} versions, ${report.fullyRead} of them read row by row, ${report.liveRows} rows`,
    report.others,
    errors,
  );
  expect(report.wrong).toEqual([]);
  expect(report.doubled).toEqual([]);
  expect(report.unreadable).toEqual([]);
  expect(report.failed).toEqual([]);
  expect(committed).toBeGreaterThan(20);
  expect(report.kills).toBeGreaterThan(2);
}
