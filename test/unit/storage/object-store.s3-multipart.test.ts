import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { partRanges } from '../../../src/storage/store/s3/multipart.ts';
import { partSizeBytes } from '../../../src/storage/store/s3/part-writer.ts';
import { s3ObjectStore } from '../../../src/storage/store/s3-object-store.ts';
import { FAULTS, type Fault, refusal, type ScriptedS3, startScriptedS3 } from './object-store-scripted-s3.ts';

const folder = mkdtempSync(join(tmpdir(), 'sentinela-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const WHOLE = Buffer.from(Array.from({ length: 95 }, (_, at) => at));

let server: ScriptedS3;
let store: ObjectStore;
beforeEach(async () => {
  server = await startScriptedS3();
  store = s3ObjectStore({
    bucket: 'lake',
    endpoint: server.endpoint,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    clock: systemClock(),
    environment: {},
    retry: { attempts: 3, baseDelayMs: 1, maxDelayMs: 2, attemptMs: 500 },
    multipart: { aboveBytes: 20, partBytes: 10 },
  });
});
afterEach(() => server.stop());

/** Applies a fault to the first request that a test is true of, or to all of them. */
function faultAt(isMeant: (method: string, query: URLSearchParams) => boolean, fault: Fault, forEver = false): void {
  let isOver = false;
  server.always = (seen, response, serve) => {
    const isNow = !isOver && isMeant(seen.method, seen.url.searchParams);
    if (isNow) isOver = !forEver;
    if (isNow) fault(seen, response, serve);
    else FAULTS.answer(serve())(seen, response, serve);
  };
}
const isCompletion = (method: string, query: URLSearchParams): boolean => method === 'POST' && query.has('uploadId');
const isPart = (method: string, query: URLSearchParams): boolean => method === 'PUT' && query.get('partNumber') === '3';
const stored = (): Buffer | undefined => server.objects.get('/lake/k')?.body;

describe('an object in parts', () => {
  it('is put whole from bytes and from a file, and small ones in one piece', async () => {
    await store.put('k', WHOLE);
    expect(stored()).toEqual(WHOLE);
    expect(server.seen.map(({ method }) => method)).toEqual(['POST', ...Array(10).fill('PUT'), 'POST']);
    const path = join(folder, 'whole');
    writeFileSync(path, WHOLE);
    server.objects.clear();
    await store.putFile('k', path);
    expect(stored()).toEqual(WHOLE);
    server.seen.length = 0;
    await store.put('k', WHOLE.subarray(0, 20));
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    ['lost on the way', FAULTS.lostBefore()],
    ['answered by SlowDown', FAULTS.answer(refusal(503, 'SlowDown'))],
  ])('has a part put again that is %s', async (_, fault) => {
    faultAt(isPart, fault);
    await store.put('k', WHOLE);
    expect(stored()).toEqual(WHOLE);
  });

  it.each([
    ['is lost', FAULTS.lostAfter()],
    ['says 200 and then InternalError', FAULTS.answer({ ...refusal(200, 'InternalError') })],
    ['is torn', FAULTS.torn()],
  ])('is there when the answer to its completion %s', async (_, fault) => {
    faultAt(isCompletion, fault);
    await store.put('k', WHOLE);
    expect(stored()).toEqual(WHOLE);
    expect(server.uploads.size).toBe(0);
  });

  it('is not taken for done when its upload is gone and the object is not its own', async () => {
    server.objects.set('/lake/k', { body: Buffer.from('old'), headers: {} });
    faultAt(isCompletion, FAULTS.answer(refusal(404, 'NoSuchUpload')), true);
    await expect(store.put('k', WHOLE)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(stored()?.toString()).toBe('old');
  });

  it.each([
    ['a part is refused', isPart, refusal(403, 'AccessDenied'), 'storage_denied'],
    ['a part fails for ever', isPart, refusal(500, 'InternalError'), 'storage_failed'],
    ['the completion is refused', isCompletion, refusal(200, 'AccessDenied'), 'storage_failed'],
  ])('is aborted when %s', async (_, isMeant, answer, code) => {
    faultAt(isMeant, FAULTS.answer(answer), true);
    await expect(store.put('k', WHOLE)).rejects.toMatchObject({ code });
    expect(server.uploads.size).toBe(0);
    expect(server.seen.at(-1)?.method).toBe('DELETE');
    expect(stored()).toBeUndefined();
  });

  it('is cut so that the parts are the whole, and never too many', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 43 }), (sizeBytes) => {
        const ranges = partRanges(sizeBytes, 16 * 1024 * 1024);
        expect(ranges.length).toBeLessThanOrEqual(10_000);
        expect(ranges.at(-1)?.[1]).toBe(sizeBytes);
        expect(ranges.every(([start], at) => start === (ranges[at - 1]?.[1] ?? 0))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});

describe('an object whose parts come one after another', () => {
  const MiB = 1024 * 1024;
  const writeAll = async (cuts: readonly number[]): Promise<void> => {
    const writer = await store.startPut('k');
    let from = 0;
    for (const cut of [...cuts, WHOLE.length]) {
      await writer.append(WHOLE.subarray(from, cut));
      from = cut;
    }
    await writer.finish();
  };

  it('goes up in full parts, however its bytes came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.integer({ min: 0, max: WHOLE.length })), async (cuts) => {
        server.objects.clear();
        server.seen.length = 0;
        await writeAll(cuts.sort((a, b) => a - b));
        expect(stored()).toEqual(WHOLE);
        const sizes = server.seen.filter(({ method }) => method === 'PUT').map(({ body }) => body.length);
        expect(sizes).toEqual([...Array(9).fill(10), 5]);
      }),
      { numRuns: 30 },
    );
  });

  it('is put by one call where it fills no part', async () => {
    const writer = await store.startPut('k');
    await writer.append(WHOLE.subarray(0, 9));
    await writer.finish();
    expect(server.seen.map(({ method }) => method)).toEqual(['PUT']);
    expect(stored()).toEqual(WHOLE.subarray(0, 9));
  });

  it('is no object and no upload once it is abandoned, also after a failure', async () => {
    const writer = await store.startPut('k');
    await writer.append(WHOLE);
    await writer.abandon();
    faultAt(isPart, FAULTS.answer(refusal(403, 'AccessDenied')), true);
    const failing = await store.startPut('k');
    await expect(failing.append(WHOLE)).rejects.toMatchObject({ code: 'storage_denied' });
    await failing.abandon();
    faultAt(isCompletion, FAULTS.answer(refusal(200, 'AccessDenied')), true);
    const last = await store.startPut('k');
    await last.append(WHOLE);
    await expect(last.finish()).rejects.toMatchObject({ code: 'storage_failed' });
    await last.abandon();
    expect(server.uploads.size).toBe(0);
    expect(stored()).toBeUndefined();
  });

  it('may be as large as S3 takes: 10,000 parts hold 5 TiB, of 5 GiB at most each', () => {
    const sizes = Array.from({ length: 10_000 }, (_, at) => partSizeBytes(at + 1, 16 * MiB));
    const sum = sizes.reduce((total, size) => total + size, 0);
    expect(new Set(sizes.slice(0, 1000))).toEqual(new Set([16 * MiB]));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5 * 1024 * MiB);
    expect(sum).toBeGreaterThanOrEqual(5 * MiB * MiB);
  });
});
