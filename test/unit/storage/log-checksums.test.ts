import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../../src/base/clock.ts';
import { decodeCommit, encodeActions } from '../../../src/storage/log/action-json.ts';
import { checkCommit, encodeCommit, UNSEALED } from '../../../src/storage/log/commit-checksum.ts';
import { readLastCheckpoint } from '../../../src/storage/log/last-checkpoint.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { createTable, openTable } from '../../../src/storage/table.ts';
import { field, structOf } from '../../../src/storage/types/delta-type.ts';

const environment = { clock: manualClock(1_800_000_000_000_000) };
let store: ObjectStore;
beforeEach(() => {
  store = memoryObjectStore();
});

describe('the checksum of a commit', () => {
  const commitArbitrary = fc
    .record({ text: fc.string({ unit: 'binary' }), path: fc.string({ minLength: 1 }), size: fc.nat() })
    .map(({ text, path, size }) => [
      { commitInfo: { timestamp: 1, operation: 'WRITE', userMetadata: `"sentinelaCrc32":"${text}`, ...UNSEALED } },
      { add: { path, partitionValues: {}, size, modificationTime: 1, dataChange: true } },
    ]);

  it('is right of what was written, and wrong where any bit of it flips', () => {
    fc.assert(
      fc.property(commitArbitrary, fc.nat(), (actions, place) => {
        const bytes = encodeCommit(actions);
        checkCommit(bytes, 'c');
        expect(decodeCommit(bytes, 'c')).toHaveLength(2);
        const member = Buffer.from(bytes).lastIndexOf('"sentinelaCrc32":"');
        const bit = place % (bytes.length * 8);
        const damaged = Uint8Array.from(bytes);
        damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
        // Its own name is what it is found by.
        if (bit >> 3 >= member && bit >> 3 < member + '"sentinelaCrc32":"'.length) return;
        // So is the end of the first line, and an end within it.
        if (damaged.indexOf(10) < bytes.indexOf(10) && damaged.indexOf(10) < member) return;
        expect(() => checkCommit(damaged, 'c')).toThrow(/damaged/);
      }),
    );
  });

  it('is not asked of other writers', () => {
    checkCommit(encodeActions([{ commitInfo: { timestamp: 1 } }]), 'c');
    checkCommit(encodeActions([{ txn: { appId: 'a', version: 1 } }]), 'c');
    checkCommit(new Uint8Array(), 'c');
  });

  it('names the commit that was changed', async () => {
    const table = await createTable(store, { path: 't', schema: structOf([field('id', 'long')]) }, environment);
    await table.append({ rows: [{ id: 1 }] });
    const key = 't/_delta_log/00000000000000000001.json';
    const text = Buffer.from((await store.get(key)) ?? []).toString();
    await store.put(key, Buffer.from(text.replace('numRecords\\":1', 'numRecords\\":9')));
    await expect(openTable(store, 't', environment).snapshot()).rejects.toMatchObject({
      code: 'table_corrupt',
      message: expect.stringContaining(key),
    });
  });
});

describe('the checksum of a checkpoint', () => {
  it('is in the hint; a broken checkpoint is gone around', async () => {
    const table = await createTable(store, { path: 't', schema: structOf([field('id', 'long')]) }, environment);
    for (let id = 1; id <= 3; id += 1) await table.append({ rows: [{ id }] });
    await table.checkpoint();
    const key = 't/_delta_log/00000000000000000003.checkpoint.parquet';
    const bytes = Uint8Array.from((await store.get(key)) ?? []);
    expect(await readLastCheckpoint(store, 't')).toMatchObject({
      version: 3,
      file: { name: '00000000000000000003.checkpoint.parquet', sizeBytes: bytes.length },
    });
    const right = (await table.snapshot()).files.map(({ key: name }) => name).sort();
    bytes[200] = (bytes[200] as number) ^ 4;
    await store.put(key, bytes);
    const around = await openTable(store, 't', environment).snapshot();
    expect(around.files.map(({ key: name }) => name).sort()).toEqual(right);
    await store.delete('t/_delta_log/00000000000000000001.json');
    await expect(openTable(store, 't', environment).snapshot()).rejects.toMatchObject({ code: 'table_corrupt' });
  });

  it("is not asked of another writer's file of the same name", async () => {
    const table = await createTable(store, { path: 't', schema: structOf([field('id', 'long')]) }, environment);
    await table.append({ rows: [{ id: 1 }] });
    await table.checkpoint();
    const hint = await store.get('t/_delta_log/_last_checkpoint');
    const { writeCheckpoint } = await import('../../../src/storage/log/checkpoint-write.ts');
    const { state } = await table.snapshot();
    const key = 't/_delta_log/00000000000000000001.checkpoint.parquet';
    await store.delete(key);
    const metadata = { ...state.metadata, description: 'a longer one' };
    const others = Object.assign(Object.create(state), { metadata });
    await writeCheckpoint({ store, table: 't', nowMs: 0, newUuid: () => crypto.randomUUID() }, others);
    await store.put('t/_delta_log/_last_checkpoint', hint ?? new Uint8Array());
    for (const version of [0, 1]) await store.delete(`t/_delta_log/0000000000000000000${version}.json`);
    expect((await openTable(store, 't', environment).snapshot()).fileCount).toBe(1);
  });
});
