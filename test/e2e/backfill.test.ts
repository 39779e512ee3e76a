import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { dataFolders } from '../../src/cli/data-folders.ts';
import { openLakeOf } from '../../src/cli/lake-access.ts';
import { shippedSet } from '../../src/cli/shipped-set.ts';
import { buildState } from '../../src/cli/state-build.ts';
import { lockState } from '../../src/cli/state-lock.ts';
import { backfill, type Materialized, materialize } from '../../src/cli/state-materialize.ts';
import { writeSnapshot } from '../../src/cli/state-snapshot.ts';
import { AnswerIndex } from '../../src/events/answer-index.ts';
import { readJournalId } from '../../src/events/journal-reader.ts';
import { localJournalFiles } from '../../src/events/local-journal-files.ts';
import { EmbeddedStore } from '../../src/features/embedded/embedded-store.ts';
import { compileFeatureSet } from '../../src/features/feature-set.ts';
import { PIX_CORE } from '../../src/features/pix-core.ts';
import { writeDefinitionFile } from '../../src/features/yaml/write-definition.ts';
import { writeModelOf } from '../model-of-set.ts';
import { examplePayment } from '../payment-example.ts';
import { newDataDir, PROGRAM, type RunningServer, startServer } from '../running-server.ts';

const texts = JSON.stringify(PIX_CORE.features.map((feature) => ('expression' in feature ? feature.expression : '')));
/** A window that nothing else reads: the new feature takes its place, for a model has as many inputs as it has. */
const replaced = PIX_CORE.features.findIndex(
  ({ kind, name }) => kind === 'window' && name.startsWith('payer_') && !texts.includes(name),
);
const SET = compileFeatureSet({
  ...PIX_CORE,
  name: 'mine',
  features: PIX_CORE.features.with(replaced, {
    kind: 'window',
    name: 'payer_count_3d',
    description: 'Payments of the payer in three days',
    entity: 'payer',
    aggregate: 'count',
    window: '3d',
  }),
});
const silent = pino({ level: 'silent' });

describe('a new feature while a server runs', () => {
  const folder = newDataDir();
  const [file, models, dataDir] = [join(folder, 'mine.yaml'), join(folder, 'models'), join(folder, 'data')];
  const folders = dataFolders(dataDir);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let paid = 0;

  const sentinela = (...args: readonly string[]): { status: number | null; out: string; error: string } => {
    const run = spawnSync(process.execPath, [PROGRAM, ...args, '--data-dir', dataDir, '--json'], { encoding: 'utf8' });
    return { status: run.status, out: run.stdout, error: run.stderr };
  };
  const made = (...args: readonly string[]): Materialized => JSON.parse(sentinela(...args).out);
  const pay = async (server: RunningServer, count: number): Promise<void> => {
    for (let number = 0; number < count; number += 1) {
      paid += 1;
      const endToEndId = `E12345678202611011200${String(paid).padStart(11, '0')}`;
      const answer = await server.post('/v1/score', examplePayment({ endToEndId, amount: `${paid}.00` }));
      expect(answer.status).toBe(200);
    }
  };
  it('is built beside it, so that the start with the new set is warm and its values are those of silver', async () => {
    writeFileSync(file, writeDefinitionFile(SET.definition));
    const old = await startServer({ dataDir });
    await pay(old, 20);
    const running = sentinela('features', 'materialize');
    expect(running.status).toBe(3);
    expect(running.error).toContain(`process ${old.pid}`);
    expect(running.error).toContain('features backfill');
    // What is served is the server's own.
    await expect(backfill({ set: shippedSet(), dataDir, instance: 'main', logger: silent })).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('needs no backfill'),
    });
    // Silver has some of what the server took, the journal the rest, and the lake's bronze follows it.
    expect(sentinela('job', 'run', 'bronze-to-silver').status).toBe(0);
    const first = made('features', 'backfill', '--set', file);
    expect(first).toMatchObject({ from: 'silver', featureSet: `mine@${SET.version}` });
    await pay(old, 20);
    const inBronze = async (): Promise<boolean> =>
      /sentinela_bronze_lag_records 0\n/.test(await (await fetch(`${old.url}/metrics`)).text());
    await expect.poll(inBronze, { timeout: 20_000, interval: 200 }).toBe(true);
    const second = made('features', 'backfill', '--set', file);
    expect(second).toMatchObject({ from: 'snapshot', silverRows: 0, payments: 40 });
    expect(second.tailRecords).toBe(second.journalPosition - first.journalPosition);
    await pay(old, 10);
    expect(await old.stop()).toBe(0);

    // A set of one's own needs a model that was trained on it.
    writeModelOf(SET, models);
    const args = ['--feature-set', file, '--models-dir', models];
    // While its state is being filled no server takes it, and the next start does.
    const filling = await lockState(folders.snapshot('main', SET.version), SET);
    const early = sentinela('serve', '--http-port', '0', '--grpc-port', '0', ...args);
    expect(early.status).toBe(3);
    expect(early.error).toContain(`process ${process.pid}`);
    await filling.release();
    const server = await startServer({ dataDir, args });
    expect(server.log()).toMatch(/"snapshot":true,"events":50,.*"tail":1\d,.*state is built/);
    await pay(server, 20);
    expect(await server.stop()).toBe(0);
    expect(sentinela('job', 'run', 'bronze-to-silver').status).toBe(0);
    const checked = JSON.parse(sentinela('features', 'check', '--set', file).out);
    expect(checked).toMatchObject({ decisions: 20, otherVersions: 50, differingValues: 0, first: null });
  });

  it('is there after a build that was cut off: what silver gave is not read again', async () => {
    const path = folders.snapshot('main', SET.version);
    rmSync(path);
    const { ports } = await openLakeOf(dataDir);
    const server = await startServer({ dataDir });
    await pay(server, 5);
    expect(await server.stop()).toBe(0);
    const files = localJournalFiles();
    const sources = { ports, files, journalFolder: folders.journal('main'), logger: silent };
    const journalId = (await readJournalId(files, sources.journalFolder)) ?? '';
    const [store, index] = [new EmbeddedStore(SET, { maxPayments: 4096 }), new AnswerIndex(7 * 86_400_000_000)];
    const cut = buildState(store, index, { id: journalId, durablePosition: () => 1e6 }, sources, path, {
      async onSilverRead(base) {
        await writeSnapshot(path, store, index, base);
        throw new Error('cut off');
      },
    });
    await expect(cut).rejects.toThrow('cut off');
    expect(existsSync(path)).toBe(true);
    const rest = await materialize({ set: SET, dataDir, instance: 'main', logger: silent });
    expect(rest).toMatchObject({ from: 'snapshot', silverRows: 0, payments: paid });
    expect(rest.tailRecords).toBeGreaterThanOrEqual(5);
    expect(await materialize({ set: SET, dataDir, instance: 'main', logger: silent })).toMatchObject({
      tailRecords: 0,
    });
  });
});
