import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { writeCompaction } from '../../../src/storage/log/log-compaction.ts';
import { checksumKey, commitKey, compactionKey } from '../../../src/storage/log/log-names.ts';
import { tableLog } from '../../../src/storage/log/table-log.ts';
import type { TableState } from '../../../src/storage/log/table-state.ts';
import { liveAdds } from '../../../src/storage/maintain/live-files.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import { openTable } from '../../../src/storage/table.ts';
import { idsOf, keysOf, makeTable, openWorld, rowsOf, STORES, type World } from './maintain-world.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let world: World;
afterEach(() => world.close());

async function jsonOf(key: string): Promise<Record<string, unknown>> {
  return JSON.parse(new TextDecoder().decode(await world.store.get(key)));
}

const checkpoints = async (): Promise<string[]> =>
  (await keysOf(world.store, 't/_delta_log/')).filter((key) => key.includes('.checkpoint.'));

describe.each(STORES)('after a commit over %s', (kind) => {
  beforeEach(() => {
    world = openWorld(kind);
  });

  it('a checksum says what the table is like', async () => {
    const table = await makeTable(world);
    await table.append({ rows: rowsOf(1, 3), txn: { appId: 'a', version: 4 } });
    await table.delete({ where: 'id = 2' });
    const { state } = await table.snapshot();
    expect(await jsonOf(checksumKey('t', 2))).toEqual({
      txnId: (await table.history(1))[0]?.commitInfo.txnId,
      tableSizeBytes: state.sizeBytes,
      numFiles: 1,
      numMetadata: 1,
      numProtocol: 1,
      setTransactions: [{ appId: 'a', version: 4, lastUpdated: world.nowMs() }],
      domainMetadata: [],
      metadata: JSON.parse(JSON.stringify(state.metadata)),
      protocol: state.protocol,
    });
    expect(await jsonOf(checksumKey('t', 0))).toMatchObject({ numFiles: 0, tableSizeBytes: 0 });
    expect(await jsonOf(checksumKey('t', 1))).toMatchObject({ numFiles: 1 });
    expect(world.faults).toEqual([]);
  });

  it('a checksum that is there is left as it is', async () => {
    const table = await makeTable(world);
    await world.store.put(checksumKey('t', 1), bytes('{"by":"another"}'));
    await table.append({ rows: rowsOf(1, 3) });
    expect(await jsonOf(checksumKey('t', 1))).toEqual({ by: 'another' });
  });
});

describe('after a commit', () => {
  beforeEach(() => {
    world = openWorld('memory');
  });

  it('what fails is told, and the commit stands', async () => {
    await makeTable(world, 't', { configuration: { 'delta.checkpointInterval': '1' } });
    const store = {
      ...world.store,
      putIfAbsent: (key: string, body: Uint8Array) =>
        /\.crc$|checkpoint/.test(key) ? Promise.reject(new Error(`no ${key}`)) : world.store.putIfAbsent(key, body),
    };
    const table = openTable(store, 't', world.environment);
    expect(await table.append({ rows: rowsOf(1, 3) })).toMatchObject({ kind: 'committed', version: 1 });
    expect(world.faults.map(String)).toEqual([expect.stringContaining('.crc'), expect.stringContaining('checkpoint')]);
    expect(await idsOf(await table.snapshot())).toEqual([1, 2, 3]);
  });

  it('writers at once write checksums that hold', async () => {
    await makeTable(world);
    const writers = Array.from({ length: 6 }, () => openTable(world.store, 't', world.environment));
    for (let round = 0; round < 3; round += 1)
      await Promise.all(writers.map((writer, n) => writer.append({ rows: rowsOf(n, n) })));
    const table = openTable(world.store, 't', world.environment);
    expect((await keysOf(world.store, 't/_delta_log/')).filter((key) => key.endsWith('.crc')).length).toBeGreaterThan(
      3,
    );
    expect(await table.check()).toMatchObject({ version: 18, findings: [] });
  });

  it('no checkpoint is written where the newest checksum says otherwise', async () => {
    const table = await makeTable(world, 't', { configuration: { 'delta.checkpointInterval': '3' } });
    for (let n = 1; n <= 2; n += 1) await table.append({ rows: rowsOf(n, n) });
    // Another writer made version 2 of more files than we see.
    await world.store.put(
      checksumKey('t', 2),
      bytes(JSON.stringify({ ...(await jsonOf(checksumKey('t', 2))), numFiles: 9 })),
    );
    expect(await table.append({ rows: rowsOf(3, 3) })).toMatchObject({ kind: 'committed', version: 3 });
    expect(await checkpoints()).toEqual([]);
    expect(world.faults).toMatchObject([
      { code: 'table_corrupt', message: expect.stringMatching(/numFiles is 2, written 9/) },
    ]);
    await world.store.put(checksumKey('t', 3), bytes('{"numFiles":1}'));
    await expect(table.checkpoint()).rejects.toMatchObject({ code: 'table_corrupt' });
    await world.store.delete(checksumKey('t', 3));
    await table.checkpoint();
    expect(await checkpoints()).toHaveLength(1);
  });

  it('VACUUM, whose START may be what a checkpoint is due at, leaves none out', async () => {
    const table = await makeTable(world, 't', { configuration: { 'delta.checkpointInterval': '2' } });
    await table.append({ rows: rowsOf(1, 1) });
    expect((await table.vacuum()).versions).toEqual([2, 3]);
    expect(await checkpoints()).toHaveLength(1);
  });
});

describe('compactions', () => {
  it('are written between checkpoints where they are asked for, and read as the commits do', async () => {
    world = openWorld('memory', { compactionInterval: 5 });
    const table = await makeTable(world);
    for (let n = 1; n <= 16; n += 1) {
      if (n % 4 === 0) await table.delete({ where: `id = ${n - 1}` });
      else await table.append({ rows: rowsOf(n, n), txn: { appId: 'a', version: n } });
    }
    const compacted = (await keysOf(world.store, 't/_delta_log/')).filter((key) => key.endsWith('.compacted.json'));
    expect(compacted).toEqual([compactionKey('t', 1, 5), compactionKey('t', 11, 15)]);
    const reads: string[] = [];
    const store = {
      ...world.store,
      get(key: string) {
        reads.push(key);
        return world.store.get(key);
      },
    };
    const read = await openTable(store, 't', world.environment).snapshot();
    expect(reads.filter((key) => /\d\.json$|compacted/.test(key))).toEqual([
      compactionKey('t', 11, 15),
      commitKey('t', 16),
    ]);
    expect(await idsOf(read)).toEqual(await idsOf(await table.snapshot()));
    expect(world.faults).toEqual([]);
  });

  it('are not written unless asked for', async () => {
    world = openWorld('memory');
    const table = await makeTable(world);
    for (let n = 1; n <= 6; n += 1) await table.append({ rows: rowsOf(n, n) });
    expect((await keysOf(world.store, 't/_delta_log/')).filter((key) => key.includes('compacted'))).toEqual([]);
  });

  it('say of any commits what these say', async () => {
    world = openWorld('memory');
    const name = fc.integer({ min: 0, max: 3 });
    const file = fc.record({ path: name.map((n) => `f${n}`), vector: fc.option(name) });
    const action = fc.oneof(
      file.map((of) => ({
        add: { ...identity(of), partitionValues: {}, size: 1, modificationTime: 1, dataChange: true },
      })),
      file.map((of) => ({ remove: { ...identity(of), deletionTimestamp: 1, dataChange: true } })),
      fc.record({ appId: name.map((n) => `a${n}`), version: name }).map((txn) => ({ txn })),
      fc
        .record({ domain: name.map((n) => `d${n}`), configuration: name.map(String), removed: fc.boolean() })
        .map((domainMetadata) => ({ domainMetadata })),
    );
    const commits = fc.array(fc.array(action, { maxLength: 4 }), { minLength: 2, maxLength: 7 });
    await fc.assert(
      fc.asyncProperty(commits, fc.nat(), fc.nat(), async (made, a, b) => {
        const last = made.length;
        const from = a % last;
        const to = from + 1 + (b % (last - from));
        const store = memoryObjectStore();
        const head = [
          { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: [], writerFeatures: [] } },
          METADATA,
        ];
        for (const [at, actions] of [head, ...made].entries())
          await store.put(commitKey('t', at), encodeActions((at === 0 ? actions : once(actions)) as never));
        const plain = pictureOf(await tableLog(store, 't').newest());
        expect(await writeCompaction(tableLog(store, 't'), from, to)).toBe(true);
        for (let version = from; version <= to; version += 1)
          if (version > 0) await store.delete(commitKey('t', version));
        if (from === 0) await store.delete(commitKey('t', 0));
        if (to < last) expect(pictureOf(await tableLog(store, 't').newest())).toEqual(plain);
      }),
      { numRuns: 200 },
    );
  });
});

const METADATA = {
  metaData: {
    id: 'i',
    format: { provider: 'parquet', options: {} },
    schemaString: '{"type":"struct","fields":[]}',
    partitionColumns: [],
    configuration: {},
  },
};

function identity({ path, vector }: { path: string; vector: number | null }): object {
  if (vector === null) return { path };
  const deletionVector = {
    storageType: 'u',
    pathOrInlineDv: 'vBn[lx{q8@P<9BNH/isA',
    offset: vector,
    sizeInBytes: 1,
    cardinality: 1,
  };
  return { path, deletionVector };
}

/** A commit names a file, an application and a domain once. */
function once(actions: readonly object[]): object[] {
  const seen = new Map<string, object>();
  for (const action of actions) {
    const [[, members] = ['', {}]] = Object.entries(action) as [string, Record<string, unknown>][];
    const { path, deletionVector, appId, domain } = members;
    seen.set(JSON.stringify([path, deletionVector, appId, domain]), action);
  }
  return [...seen.values()];
}

function pictureOf(state: TableState): object {
  const nameOf = (file: object): string => JSON.stringify(file);
  return {
    files: [...liveAdds(state)].map(nameOf).sort(),
    tombstones: [...state.tombstones()].map(nameOf).sort(),
    counts: [state.fileCount, state.sizeBytes],
    transactions: [...state.transactions.values()].map(nameOf).sort(),
    domains: [...state.domains.values()].map(nameOf).sort(),
    protocol: state.protocol,
    metadata: state.metadata,
  };
}

describe('a compaction or a checkpoint that was cut', () => {
  it('where a line ends is gone around, as the checksum of the version tells', async () => {
    world = openWorld('memory', { compactionInterval: 5 });
    const table = await makeTable(world);
    for (let n = 1; n <= 6; n += 1) await table.append({ rows: rowsOf(n, n) });
    const key = compactionKey('t', 1, 5);
    const whole = Buffer.from((await world.store.get(key)) ?? []).toString();
    const lines = whole.trimEnd().split('\n');
    await world.store.put(key, bytes(`${lines.slice(0, -1).join('\n')}\n`));
    const read = await openTable(world.store, 't', world.environment).snapshot();
    expect(read.fileCount).toBe(6);
  });
});
