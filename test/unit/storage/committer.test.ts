import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/base/errors.ts';
import { encodeActions } from '../../../src/storage/log/action-json.ts';
import { putCommit } from '../../../src/storage/log/committer.ts';
import { commitKey } from '../../../src/storage/log/log-names.ts';
import { memoryObjectStore } from '../../../src/storage/store/memory-object-store.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';

const bytesOf = (txnId: string): Uint8Array => encodeActions([{ commitInfo: { txnId, timestamp: 1 } }]);

/** A store whose puts fail as told, one after the other. */
function flaky(puts: readonly ('ok' | 'fails' | 'lands and fails' | 'full')[]): ObjectStore {
  const store = memoryObjectStore();
  let at = 0;
  return {
    ...store,
    async putIfAbsent(key, bytes) {
      const how = puts[at] ?? 'ok';
      at += 1;
      if (how === 'full') throw new AppError('disk_full', 'no room');
      const outcome = how === 'fails' ? undefined : await store.putIfAbsent(key, bytes);
      if (how === 'ok' && outcome !== undefined) return outcome;
      throw new AppError('storage_failed', 'timed out');
    },
  };
}

describe('a put of unknown outcome', () => {
  it('that landed is ours, by its txnId', async () => {
    const store = flaky(['lands and fails']);
    expect(await putCommit(store, 't', 1, bytesOf('mine'), 'mine')).toBe('created');
  });

  it('that did not land is put again, at the same version', async () => {
    const store = flaky(['fails', 'fails', 'ok']);
    expect(await putCommit(store, 't', 1, bytesOf('mine'), 'mine')).toBe('created');
    expect(await store.get(commitKey('t', 1))).toBeDefined();
    expect(await store.get(commitKey('t', 2))).toBeUndefined();
  });

  it('that another writer won meanwhile is lost', async () => {
    const store = flaky(['fails', 'ok']);
    await store.put(commitKey('t', 1), new TextEncoder().encode('{"commitInfo":{"txnId":"theirs"}}'));
    expect(await putCommit(store, 't', 1, bytesOf('mine'), 'mine')).toBe('lost');
  });

  it('that landed late is ours though the repeat found it there', async () => {
    const store = flaky(['fails', 'ok']);
    await store.put(commitKey('t', 1), new TextEncoder().encode('{"commitInfo":{"txnId":"mine"}}'));
    expect(await putCommit(store, 't', 1, bytesOf('mine'), 'mine')).toBe('created');
  });

  it('is undecided where it stays open, and at once where the disk is full', async () => {
    await expect(
      putCommit(flaky(['fails', 'fails', 'fails', 'fails']), 't', 1, bytesOf('a'), 'a'),
    ).rejects.toMatchObject({ code: 'commit_undecided' });
    await expect(putCommit(flaky(['full']), 't', 1, bytesOf('a'), 'a')).rejects.toMatchObject({ code: 'disk_full' });
  });
});
