import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, describe, expect, it } from 'vitest';
import { loadScoringProto } from '../../src/events/scoring-proto.ts';
import type { FeatureDefinition } from '../../src/features/definition/definition.ts';
import { checkUnbounded } from '../../src/features/definition/definition-check.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { PIX_CORE } from '../../src/features/pix-core.ts';
import { writeDefinitionFile } from '../../src/features/yaml/write-definition.ts';
import { callUnary } from '../grpc-client.ts';
import { correctMessage } from '../grpc-message.ts';
import { writeModelOf } from '../model-of-set.ts';
import { examplePayment } from '../payment-example.ts';
import { newDataDir, PROGRAM, startServer } from '../running-server.ts';

/** What a set without a bound refuses is something else here, under the name that the model knows. */
function unbounded(feature: FeatureDefinition): FeatureDefinition {
  try {
    checkUnbounded(feature);
    return feature;
  } catch {
    return { kind: 'expression', name: feature.name, description: '-', expression: 'amount_centavos' };
  }
}

const correct = loadScoringProto().service.Correct;

const SET = compileFeatureSet({ ...PIX_CORE, name: 'busy', bound: 'none', features: PIX_CORE.features.map(unbounded) });

describe('a server of a set without a bound', () => {
  const folder = newDataDir();
  const [file, models, dataDir] = [join(folder, 'busy.yaml'), join(folder, 'models'), join(folder, 'data')];
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const sentinela = (...args: readonly string[]): string => {
    const run = spawnSync(process.execPath, [PROGRAM, ...args, '--data-dir', dataDir, '--json'], { encoding: 'utf8' });
    expect(run.status, run.stderr).toBe(0);
    return run.stdout;
  };

  it('serves a payee of more events than lie in memory, over stops and a kill, as they are recomputed', async () => {
    writeFileSync(file, writeDefinitionFile(SET.definition));
    sentinela('features', 'apply', file, '--yes');
    writeModelOf(SET, models);
    const args = ['--feature-set', `busy@${SET.version}`, '--models-dir', models];
    let sent = 0;
    const score = async (server: Awaited<ReturnType<typeof startServer>>, count: number): Promise<void> => {
      for (const stop = sent + count; sent < stop; ) {
        const payments = Array.from({ length: Math.min(100, stop - sent) }, () => {
          sent += 1;
          const endToEndId = `E12345678202611011200${String(sent).padStart(11, '0')}`;
          const acceptedAt = new Date(
            Date.UTC(2026, 10, 1, 12, 0, sent * 7 - (sent % 50 === 0 ? 900 : 0)),
          ).toISOString();
          return examplePayment({ endToEndId, amount: `${(sent * 37) % 900}.00`, acceptedAt });
        });
        const answers = await Promise.all(payments.map((payment) => server.post('/v1/score', payment)));
        for (const answer of answers) expect(answer.status, await answer.clone().text()).toBe(200);
      }
    };
    const first = await startServer({ dataDir, args });
    await score(first, 500);
    expect(await first.stop()).toBe(0);
    const pages = join(dataDir, 'state');
    expect(existsSync(pages) ? readdirSync(pages, { recursive: true }).join() : '').toMatch(/payee-events\.pages/);
    const second = await startServer({ dataDir, args });
    await score(second, 300);
    // What lies on pages is not taken out of their midst: nothing of a correction is recorded, whichever way it comes.
    const correction = {
      endToEndId: `E12345678202611011200${'1'.padStart(11, '0')}`,
      correctedAt: '2026-11-01T13:00:00Z',
    };
    const overHttp = await second.post('/v1/corrections', correction);
    expect([overHttp.status, await overHttp.json()]).toMatchObject([501, { code: 'correction_unsupported' }]);
    const client = new Client(second.grpcAddress, credentials.createInsecure());
    const { error } = await callUnary(client, correct, correct?.requestSerialize(correctMessage(correction)) as Buffer);
    client.close();
    expect([error?.code, error?.metadata.get('sentinela-code')]).toEqual([12, ['correction_unsupported']]);
    await second.stop('SIGKILL');
    const third = await startServer({ dataDir, args });
    await score(third, 200);
    expect(await third.stop()).toBe(0);
    sentinela('job', 'run', 'bronze-to-silver');
    const checked = JSON.parse(sentinela('features', 'check', '--set', 'busy'));
    expect(checked).toMatchObject({ decisions: 1000, comparedValues: 1000 * SET.names.length, differingValues: 0 });
  });
});
