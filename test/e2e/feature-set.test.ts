import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { PIX_CORE } from '../../src/features/pix-core.ts';
import { writeDefinitionFile } from '../../src/features/yaml/write-definition.ts';
import { writeModelOf } from '../model-of-set.ts';
import { examplePayment } from '../payment-example.ts';
import { newDataDir, PROGRAM, startServer } from '../running-server.ts';

const SET = compileFeatureSet({ ...PIX_CORE, name: 'mine', bound: 128 });

describe('a server of a feature set of one’s own', () => {
  const folder = newDataDir();
  const [file, models, dataDir] = [join(folder, 'mine.yaml'), join(folder, 'models'), join(folder, 'data')];
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const sentinela = (...args: readonly string[]): { status: number | null; out: string; error: string } => {
    const run = spawnSync(process.execPath, [PROGRAM, ...args, '--data-dir', dataDir, '--json'], { encoding: 'utf8' });
    return { status: run.status, out: run.stdout, error: run.stderr };
  };

  it('is the set of the registry, with a model that was trained on it and no other', async () => {
    writeFileSync(file, writeDefinitionFile(SET.definition));
    expect(sentinela('features', 'apply', file, '--yes')).toMatchObject({ status: 0 });
    cpSync('models', models, { recursive: true });
    const args = ['--feature-set', `mine@${SET.version}`, '--models-dir', models];
    const refused = sentinela('serve', ...args, '--http-port', '0', '--grpc-port', '0');
    expect(refused.status).toBe(3);
    expect(refused.error).toContain(`served is mine@${SET.version}`);
    writeModelOf(SET, models);
    const server = await startServer({ dataDir, args });
    for (const amount of ['10.00', '20.00', '30.00']) {
      const endToEndId = `E12345678202611011200${amount.replace('.', '').padStart(11, '0')}`;
      const answer = await server.post('/v1/score', examplePayment({ endToEndId, amount }));
      expect(await answer.json()).toMatchObject({ featureSet: { name: 'mine', version: SET.version } });
    }
    expect(await server.stop()).toBe(0);
    expect(sentinela('job', 'run', 'bronze-to-silver').status).toBe(0);
    const checked = JSON.parse(sentinela('features', 'check', '--set', 'mine').out);
    expect(checked).toMatchObject({ decisions: 3, comparedValues: 3 * SET.names.length, differingValues: 0 });
    expect(JSON.parse(sentinela('features', 'check').out)).toMatchObject({ decisions: 0, otherVersions: 3 });
    // What is in silver is recomputed by the lake's thread, also of an earlier process.
    const again = await startServer({ dataDir, args: [...args, '--skew-sample', '1'] });
    const metrics = async (): Promise<string> => (await fetch(`${again.url}/metrics`)).text();
    const compared = `sentinela_feature_skew_compared_total ${3 * SET.names.length}\n`;
    await expect.poll(metrics, { timeout: 20_000 }).toContain(compared);
    expect(await metrics()).toContain('sentinela_feature_skew_different_total{feature="others"} 0\n');
    expect(await metrics()).toMatch(/sentinela_silver_newest_seconds\{table="decisions"\} \d/);
    expect(await again.stop()).toBe(0);
  });
});
