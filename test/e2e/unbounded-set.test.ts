import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, describe, expect, it } from 'vitest';
import { loadScoringProto } from '../../src/events/scoring-proto.ts';
import type { FeatureDefinition } from '../../src/features/definition/definition.ts';
import { checkBound } from '../../src/features/definition/definition-check.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { PIX_CORE } from '../../src/features/pix-core.ts';
import { writeDefinitionFile } from '../../src/features/yaml/write-definition.ts';
import { callUnary } from '../grpc-client.ts';
import { correctMessage } from '../grpc-message.ts';
import { writeModelOf } from '../model-of-set.ts';
import { examplePayment } from '../payment-example.ts';
import { newDataDir, PROGRAM, type RunningServer, startServer } from '../running-server.ts';

/** What a set without a bound refuses is something else here, under the name that the model knows. */
function unbounded(feature: FeatureDefinition): FeatureDefinition {
  try {
    checkBound(feature, 'none');
    return feature;
  } catch {
    return { kind: 'expression', name: feature.name, description: '-', expression: 'amount_centavos' };
  }
}

const correct = loadScoringProto().service.Correct;

const OTHER_PAYEE = {
  ispb: '87654321',
  document: '12ABC34501DE35',
  account: { number: '600002', type: 'CACC' },
};

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

  it('serves a payee of more events than lie in memory, over corrections, stops and a kill, as they are recomputed', async () => {
    writeFileSync(file, writeDefinitionFile(SET.definition));
    sentinela('features', 'apply', file, '--yes');
    writeModelOf(SET, models);
    const args = ['--feature-set', `busy@${SET.version}`, '--models-dir', models];
    let sent = 0;
    const idOf = (number: number): string => `E12345678202611011200${String(number).padStart(11, '0')}`;
    const score = async (server: RunningServer, count: number): Promise<void> => {
      for (const stop = sent + count; sent < stop; ) {
        const payments = Array.from({ length: Math.min(100, stop - sent) }, () => {
          sent += 1;
          const endToEndId = idOf(sent);
          const acceptedAt = new Date(
            Date.UTC(2026, 10, 1, 12, 0, sent * 7 - (sent % 50 === 0 ? 900 : 0)),
          ).toISOString();
          return examplePayment({ endToEndId, amount: `${(sent * 37) % 900}.00`, acceptedAt });
        });
        const answers = await Promise.all(payments.map((payment) => server.post('/v1/score', payment)));
        for (const answer of answers) expect(answer.status, await answer.clone().text()).toBe(200);
      }
    };
    const correctionOf = (number: number, amount: string | null, more: object = {}): Record<string, unknown> => {
      const endToEndId = idOf(number);
      const acceptedAt = new Date(Date.UTC(2026, 10, 1, 12, 0, number * 7 + 3)).toISOString();
      const payment = amount === null ? {} : { payment: examplePayment({ endToEndId, amount, acceptedAt, ...more }) };
      return { endToEndId, correctedAt: '2026-11-01T14:00:00Z', ...payment };
    };
    const corrected = async (server: RunningServer, correction: Record<string, unknown>): Promise<void> => {
      const answer = await server.post('/v1/corrections', correction);
      expect([answer.status, await answer.json()]).toEqual([202, { accepted: true, applied: true }]);
    };
    const first = await startServer({ dataDir, args });
    await score(first, 500);
    expect(await first.stop()).toBe(0);
    const state = join(dataDir, 'state');
    expect(existsSync(state) ? readdirSync(state, { recursive: true }).join() : '').toMatch(/payee-events\.pages/);
    const second = await startServer({ dataDir, args });
    // Deep on pages that a snapshot names, at a page's end, in memory; amounts, times, another payee; over gRPC as well.
    for (const number of [1, 2, 100, 128, 201, 495]) await corrected(second, correctionOf(number, null));
    await score(second, 200);
    await corrected(second, correctionOf(50, '777.77'));
    await corrected(second, correctionOf(51, '12.00', { payee: OTHER_PAYEE }));
    await corrected(second, correctionOf(695, '88888.00'));
    await corrected(second, correctionOf(50, null));
    const client = new Client(second.grpcAddress, credentials.createInsecure());
    const message = correct?.requestSerialize(correctMessage(correctionOf(77, '5.00'))) as Buffer;
    expect((await callUnary(client, correct, message)).error).toBeNull();
    client.close();
    await score(second, 100);
    await second.stop('SIGKILL');
    // From the first's snapshot and the journal, in which the corrections are.
    const third = await startServer({ dataDir, args });
    await corrected(third, correctionOf(300, null));
    await score(third, 100);
    expect(await third.stop()).toBe(0);
    // From a snapshot that holds what the corrections left; then from silver.
    const fourth = await startServer({ dataDir, args });
    await corrected(fourth, correctionOf(301, '4.00'));
    await score(fourth, 50);
    expect(await fourth.stop()).toBe(0);
    sentinela('job', 'run', 'bronze-to-silver');
    rmSync(state, { recursive: true });
    const fifth = await startServer({ dataDir, args });
    await corrected(fifth, correctionOf(302, null));
    await score(fifth, 50);
    expect(await fifth.stop()).toBe(0);
    sentinela('job', 'run', 'bronze-to-silver');
    const checked = JSON.parse(sentinela('features', 'check', '--set', 'busy'));
    expect(checked).toMatchObject({ decisions: 1000, comparedValues: 1000 * SET.names.length, differingValues: 0 });
    const out = join(folder, 'training');
    const asOf = ['--labels-as-of', '2030-01-01', '--horizon', '7d'];
    sentinela(
      'export',
      'create',
      '--from',
      'silver.transactions',
      '--features',
      `busy@${SET.version}`,
      ...asOf,
      '--out',
      out,
    );
    sentinela('export', 'verify', out);
    // 998 payments before it, less 9 that were taken back and one that is another payee's.
    const explained = JSON.parse(sentinela('export', 'explain', out, `${idOf(999)} PAYER`, 'payee_count_ever'));
    expect(explained).toMatchObject({ recomputed: 988, exported: 988 });
  });
});
