import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { AppError } from '../../../src/base/errors.ts';
import { seededRandom } from '../../../src/base/random.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { jitteredDelayMs, retryAfterMs } from '../../../src/storage/store/s3/retry.ts';
import { type S3StoreOptions, s3ObjectStore } from '../../../src/storage/store/s3-object-store.ts';
import { FAULTS, refusal, type ScriptedS3, startScriptedS3 } from './object-store-scripted-s3.ts';

const folder = mkdtempSync(join(tmpdir(), 'sentinela-faults-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRET = 'never+to/be=seen';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (found: Uint8Array | undefined): string | undefined =>
  found === undefined ? undefined : Buffer.from(found).toString();
const failureOf = (act: Promise<unknown>): Promise<AppError> =>
  act.then(
    () => Promise.reject(new Error('it went well')),
    (error) => error as AppError,
  );

let server: ScriptedS3;
let store: ObjectStore;
const open = (options: Partial<S3StoreOptions> = {}): ObjectStore =>
  s3ObjectStore({
    bucket: 'lake',
    endpoint: server.endpoint,
    credentials: { accessKeyId: 'id', secretAccessKey: SECRET, sessionToken: SECRET },
    clock: systemClock(),
    environment: {},
    retry: { attempts: 4, baseDelayMs: 1, maxDelayMs: 4, attemptMs: 150, totalMs: 20_000 },
    ...options,
  });

beforeEach(async () => {
  server = await startScriptedS3();
  store = open();
  // The probe is over before a test scripts its faults.
  await store.putIfAbsent('first', bytes('1'));
  server.seen.length = 0;
});
afterEach(() => server.stop());

describe('putIfAbsent on S3', () => {
  it.each([
    ['the answer is lost', FAULTS.lostAfter],
    ['the answer does not come in time', FAULTS.hangAfter],
  ])('has created the object that it wrote, though %s', async (_, fault) => {
    server.faults.push(fault());
    expect(await store.putIfAbsent('k', bytes('mine'))).toBe('created');
    expect(server.seen.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'GET']);
  });

  it('has created what a 5xx wrote all the same', async () => {
    server.faults.push((_, response, serve) => {
      serve();
      response.writeHead(500).end();
    });
    expect(await store.putIfAbsent('k', bytes('mine'))).toBe('created');
  });

  it.each([true, false])(
    "tells another writer's object from its own after a lost answer (marks: %s)",
    async (marks) => {
      server.keepsMarks = marks;
      server.faults.push(FAULTS.rivalThen(server, 'theirs', FAULTS.answer(refusal(503, 'SlowDown'))));
      expect(await store.putIfAbsent('k', bytes('mine'))).toBe('exists');
      expect(textOf(await store.get('k'))).toBe('theirs');
    },
  );

  it("tells another writer's object with the same bytes from its own by the mark", async () => {
    server.faults.push(FAULTS.lostBefore());
    const rival = open();
    server.faults.push((_, response) => {
      server.objects.set('/lake/k', { body: Buffer.from('same'), headers: { 'x-amz-meta-put-id': 'theirs' } });
      response.destroy();
    });
    expect(await store.putIfAbsent('k', bytes('same'))).toBe('exists');
    expect(textOf(await rival.get('k'))).toBe('same');
  });

  it('knows its own bytes where the store keeps no marks', async () => {
    server.keepsMarks = false;
    server.faults.push(FAULTS.lostAfter());
    expect(await store.putIfAbsent('k', bytes('mine'))).toBe('created');
  });

  it('reads nothing when the first answer is that the object exists', async () => {
    await store.putIfAbsent('k', bytes('1'));
    server.seen.length = 0;
    expect(await store.putIfAbsent('k', bytes('1'))).toBe('exists');
    expect(server.seen.map(({ method }) => method)).toEqual(['PUT']);
  });

  it('puts the same again on a conflict', async () => {
    server.faults.push(FAULTS.answer(refusal(409, 'ConditionalRequestConflict')));
    expect(await store.putIfAbsent('k', bytes('mine'))).toBe('created');
    expect(server.seen.map(({ headers }) => headers['x-amz-meta-put-id'])).toHaveLength(2);
    server.faults.push(FAULTS.rivalThen(server, 'theirs', FAULTS.answer(refusal(409, 'ConditionalRequestConflict'))));
    expect(await store.putIfAbsent('l', bytes('mine'))).toBe('exists');
  });

  it('puts again when what was in the way after a lost answer is gone', async () => {
    server.faults.push(FAULTS.lostBefore(), FAULTS.answer(refusal(412, 'PreconditionFailed')));
    expect(await store.putIfAbsent('k', bytes('mine'))).toBe('created');
    expect(server.seen.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'GET', 'PUT']);
  });

  it('remembers a lost answer over a try that surely wrote nothing', async () => {
    server.faults.push(FAULTS.lostAfter(), FAULTS.answer(refusal(429, 'TooManyRequests')));
    expect(await store.putIfAbsent('k', bytes('mine'))).toBe('created');
  });

  it('is undecided when no try is answered and the object is absent', async () => {
    server.always = (seen, response) =>
      seen.method === 'PUT' ? void response.destroy() : FAULTS.answer(refusal(404, 'NoSuchKey'))(seen, response, never);
    const error = await failureOf(store.putIfAbsent('k', bytes('mine')));
    expect(error).toMatchObject({ code: 'put_undecided', context: { key: 'k' } });
    expect(error.message).toMatch(/PUT of s3:\/\/lake\/k.*put the same again if it is absent/);
    expect(server.seen.filter(({ method }) => method === 'PUT')).toHaveLength(4);
  });

  it('is undecided, not refused, when a refusal follows a lost answer', async () => {
    server.faults.push(FAULTS.lostBefore(), FAULTS.answer(refusal(403, 'AccessDenied')));
    expect(await failureOf(store.putIfAbsent('k', bytes('mine')))).toMatchObject({ code: 'put_undecided' });
  });

  it('has created what turns up at the end', async () => {
    server.always = (seen, response, serve) => {
      if (seen.method === 'PUT') FAULTS.lostAfter()(seen, response, serve);
      else FAULTS.answer(serve())(seen, response, serve);
    };
    server.faults.push(FAULTS.hang(), FAULTS.hang(), FAULTS.hang());
    expect(await store.putIfAbsent('k', bytes('mine'))).toBe('created');
  });

  it('has failed, and is not undecided, when no try reached the store', async () => {
    server.stop();
    const error = await failureOf(open().putIfAbsent('k', bytes('mine')));
    expect(error).toMatchObject({ code: 'storage_failed' });
    expect(error.message).toMatch(/ECONNREFUSED/);
  });
});

describe('writers of one key on S3, with faults by seed', () => {
  const outcomeOf = (act: Promise<string>): Promise<string> => act.catch((error: AppError) => error.code);

  it.each(Array.from({ length: 8 }, (_, seed) => seed))(
    'have one winner, who knows it or asks (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      server.keepsMarks = seed % 2 === 0;
      const writers = Array.from({ length: 3 }, () => open({ random: () => random.next() }));
      await Promise.all(writers.map((writer, n) => writer.putIfAbsent(`warm-${n}`, bytes('1'))));
      const faults = [
        FAULTS.lostAfter(),
        FAULTS.lostBefore(),
        FAULTS.torn(),
        FAULTS.answer(refusal(503, 'SlowDown')),
        FAULTS.answer(refusal(429, 'TooManyRequests')),
        FAULTS.answer(refusal(409, 'ConditionalRequestConflict')),
      ];
      server.always = (seen, response, serve) => {
        const fault = random.chance(0.6) ? faults[random.below(faults.length)] : undefined;
        if (fault === undefined || (seen.method === 'GET' && fault === faults[5]))
          FAULTS.answer(serve())(seen, response, serve);
        else fault(seen, response, serve);
      };
      const seenOutcomes = new Set<string>();
      for (let round = 0; round < 25; round += 1) {
        const key = `k${round}`;
        const outcomes = await Promise.all(
          writers.map((writer, n) => outcomeOf(writer.putIfAbsent(key, bytes(`of ${n}`)))),
        );
        const winner = server.objects.get(`/lake/${key}`)?.body.toString();
        for (const [n, outcome] of outcomes.entries()) {
          seenOutcomes.add(outcome);
          const isWinner = winner === `of ${n}`;
          const allowed = isWinner ? ['created', 'put_undecided'] : ['exists', 'put_undecided', 'storage_failed'];
          expect(allowed, `writer ${n} of ${key}: ${outcomes.join(', ')}`).toContain(outcome);
          if (outcome === 'exists') expect(winner).toBeDefined();
        }
      }
      expect(seenOutcomes).toContain('created');
      expect(seenOutcomes).toContain('exists');
    },
  );
});

describe('a store that does not keep If-None-Match', () => {
  it('is refused for writing, at the first write and later, and holds no probe', async () => {
    server.keepsCondition = false;
    const unsafe = open();
    for (let n = 0; n < 2; n += 1) {
      const error = await failureOf(unsafe.putIfAbsent('k', bytes('1')));
      expect(error).toMatchObject({ code: 'storage_unsafe' });
      expect(error.message).toMatch(/two writers would lose commits.*use a store/);
    }
    expect([...server.objects.keys()]).toEqual(['/lake/first']);
    expect(server.seen.map(({ method }) => method)).toEqual(['PUT', 'PUT', 'DELETE']);
  });

  it('is refused when it says so itself', async () => {
    server.faults.push(FAULTS.answer(refusal(501, 'NotImplemented')));
    expect(await failureOf(open().putIfAbsent('k', bytes('1')))).toMatchObject({ code: 'storage_unsafe' });
  });

  it('is looked for again when the probe itself failed', async () => {
    const probing = open();
    server.faults.push(FAULTS.answer(refusal(403, 'AccessDenied')));
    expect(await failureOf(probing.putIfAbsent('k', bytes('1')))).toMatchObject({ code: 'storage_denied' });
    expect(await probing.putIfAbsent('k', bytes('1'))).toBe('created');
  });

  it('is looked for once by many first writers', async () => {
    const probing = open();
    await Promise.all(['a', 'b', 'c'].map((key) => probing.putIfAbsent(key, bytes(key))));
    expect(server.seen.filter(({ url }) => url.pathname.includes('probe'))).toHaveLength(3);
  });
});

describe('a request to S3', () => {
  it.each([429, 500, 502, 503, 504])('is sent again after %i', async (status) => {
    server.faults.push(FAULTS.answer({ status, body: '<html>busy</html>' }));
    expect(textOf(await store.get('first'))).toBe('1');
    expect(server.seen).toHaveLength(2);
  });

  it.each(['torn', 'wrongLength', 'lostBefore', 'hang'] as const)(
    'is sent again when the answer is: %s',
    async (fault) => {
      server.faults.push(FAULTS[fault]());
      expect(textOf(await store.get('first'))).toBe('1');
      server.faults.push(FAULTS[fault](), FAULTS[fault]());
      const path = join(folder, fault);
      expect(await store.fetchFile('first', path)).toBe(true);
      expect(readFileSync(path, 'utf8')).toBe('1');
    },
  );

  it('waits for as long as the store asks', async () => {
    server.faults.push(FAULTS.answer(refusal(503, 'SlowDown', { 'retry-after': '1' })));
    const started = performance.now();
    await store.get('first');
    expect(performance.now() - started).toBeGreaterThan(990);
  });

  it('is given up after so many tries, and leaves no half of a file', async () => {
    await store.put('k', bytes('0123456789'));
    server.seen.length = 0;
    server.always = FAULTS.torn();
    const path = join(folder, 'half');
    const error = await failureOf(store.fetchFile('k', path));
    expect(error).toMatchObject({ code: 'storage_failed' });
    expect(error.message).toMatch(/GET of s3:\/\/lake\/k got no answer/);
    expect(server.seen).toHaveLength(4);
    expect(existsSync(path)).toBe(false);
  });

  it('leaves nothing of a torn answer in a file whose object got shorter', async () => {
    await store.put('k', bytes('0123456789'));
    server.faults.push(FAULTS.torn(), (seen, response, serve) => {
      server.objects.set('/lake/k', { body: Buffer.from('ab'), headers: {} });
      FAULTS.answer(serve())(seen, response, serve);
    });
    const path = join(folder, 'shorter');
    expect(await store.fetchFile('k', path)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('ab');
  });

  it('is given up after so long', async () => {
    server.always = FAULTS.answer(refusal(503, 'SlowDown', { 'retry-after': '60' }));
    const started = performance.now();
    expect(await failureOf(store.get('first'))).toMatchObject({ code: 'storage_failed' });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('is not sent again when it is refused, and the refusal tells no secret', async () => {
    server.always = FAULTS.answer({
      status: 403,
      headers: { 'x-amz-request-id': 'R1' },
      body: `<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message><StringToSign>${SECRET}</StringToSign></Error>`,
    });
    const error = await failureOf(store.get('first'));
    expect(error).toMatchObject({ code: 'storage_denied' });
    expect(error.message).toMatch(
      /^The GET of s3:\/\/lake\/first was answered 403 SignatureDoesNotMatch \(no\), request R1;/,
    );
    expect(JSON.stringify([error.message, error.context, error.stack, error.cause])).not.toContain(SECRET);
    expect(server.seen).toHaveLength(1);
  });

  it.each([
    [refusal(301, 'PermanentRedirect', { 'x-amz-bucket-region': 'sa-east-1' }), 'invalid_config', /set AWS_REGION/],
    [refusal(404, 'NoSuchBucket'), 'not_found', /make the bucket/],
    [refusal(507, 'XMinioStorageFull'), 'disk_full', /507/],
    [refusal(400, 'InvalidRequest'), 'storage_failed', /InvalidRequest \(so says the script\)/],
  ])('is not sent again after %o', async (answer, code, message) => {
    server.always = FAULTS.answer(answer);
    const error = await failureOf(store.get('first'));
    expect(error).toMatchObject({ code });
    expect(error.message).toMatch(message);
    expect(server.seen).toHaveLength(1);
  });

  it('does not time out while it waits for a connection behind others', async () => {
    server.always = (seen, response, serve) => void setTimeout(() => FAULTS.answer(serve())(seen, response, serve), 60);
    // Ten times what an answer takes, for a busy machine; the last waits longer than that.
    const once = open({ retry: { attempts: 1, attemptMs: 600 } });
    const found = await Promise.all(Array.from({ length: 1000 }, () => once.get('first')));
    expect(found.every((object) => textOf(object) === '1')).toBe(true);
    expect(server.seen).toHaveLength(1000);
  });

  it('cuts the range itself out of a whole answer', async () => {
    await store.put('k', bytes('0123456789'));
    expect(textOf(await store.get('k', { start: 2, end: 4 }))).toBe('23');
    expect(server.seen.at(-1)?.headers.range).toBe('bytes=2-3');
  });
});

describe('a range of S3', () => {
  it.each(['bytes 0-1/10', 'bytes 1-3/10', 'bytes 2-9/10', undefined])(
    'is refused when it is %s in place of the one asked for',
    async (told) => {
      const headers = told === undefined ? {} : { 'content-range': told };
      server.faults.push(FAULTS.answer({ status: 206, headers, body: '01' }));
      expect(await failureOf(store.get('first', { start: 2, end: 4 }))).toMatchObject({ code: 'storage_failed' });
    },
  );
});

describe('a listing of S3', () => {
  const page = (keys: string[], next?: string) =>
    FAULTS.answer({
      status: 200,
      body: `<ListBucketResult>${keys
        .map(
          (key) =>
            `<Contents><Key>${key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`,
        )
        .join('')}<IsTruncated>${next !== undefined}</IsTruncated>${
        next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`
      }</ListBucketResult>`,
    });
  const keysFrom = async (prefix: string, startAfter?: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of store.listFrom(prefix, startAfter)) keys.push(key);
    return keys;
  };

  it('goes on from page to page, over one that fails and one that is empty', async () => {
    server.faults.push(page(['a/1'], 't/1'), FAULTS.torn(), page([], 't2'), page(['a/2', 'a/3/', 'a/3/4']));
    expect(await keysFrom('a/', 'a/0')).toEqual(['a/1', 'a/2', 'a/3/4']);
    expect(server.seen.map(({ url }) => url.searchParams.get('continuation-token'))).toEqual([
      null,
      't/1',
      't/1',
      't2',
    ]);
    expect(server.seen.map(({ url }) => url.searchParams.get('start-after'))).toEqual(Array(4).fill('a/0'));
  });

  it('leaves out the key that it starts after', async () => {
    server.faults.push(page(['a/1', 'a/2']));
    expect(await keysFrom('a/', 'a/1')).toEqual(['a/2']);
  });

  it('is refused when it is not in the order of keys, or never ends', async () => {
    server.faults.push(page(['a/2', 'a/1']));
    expect((await failureOf(keysFrom('a/'))).message).toMatch(/does not list its keys in their order/);
    server.faults.push(page(['a/1'], 't'), page(['a/2'], 't'));
    expect((await failureOf(keysFrom('a/'))).message).toMatch(/the same page again/);
    server.faults.push(FAULTS.answer({ status: 200, body: '<html/>' }));
    expect((await failureOf(keysFrom('a/'))).message).toMatch(/listing cannot be read: the document is html/);
  });
});

describe('the pauses between tries', () => {
  it('grow twofold up to their bound, by chance', () => {
    const limits = { baseDelayMs: 50, maxDelayMs: 1000 };
    expect([0, 1, 2, 9].map((attempt) => jitteredDelayMs(limits, attempt, 0.5))).toEqual([25, 50, 100, 500]);
    expect(jitteredDelayMs(limits, 3, 0)).toBe(0);
  });

  it('are read from Retry-After in seconds or as a date', () => {
    expect(retryAfterMs('3', 0)).toBe(3000);
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:05 GMT', 2000)).toBe(3000);
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:05 GMT', 9000)).toBe(0);
    expect(retryAfterMs('soon', 0)).toBeUndefined();
    expect(retryAfterMs(undefined, 0)).toBeUndefined();
  });
});

function never(): never {
  throw new Error('not to be served');
}
