import { randomUUID } from 'node:crypto';
import { AppError } from '../../../base/errors.ts';
import { forEachAtOnce } from '../../../base/for-each-at-once.ts';
import type { S3Call, S3Client } from './client.ts';
import { MARK } from './conditional-put.ts';
import { completionBody, parseCompletion, parseUploadId } from './documents.ts';
import { judgeAnswer } from './failure.ts';
import { withRetries } from './retry.ts';

/** Bytes that are read piece by piece: a file's, or an array's. */
export interface PartSource {
  readonly sizeBytes: number;
  /** Bytes `[start, end)`; the ranges lie inside. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** How an upload is cut. */
export interface MultipartLimits {
  /** What is larger goes up in parts: a try that failed then costs one of them. */
  readonly aboveBytes: number;
  readonly partBytes: number;
}

/** With four parts at a time an upload holds 64 MiB. */
export const DEFAULT_MULTIPART: MultipartLimits = { aboveBytes: 64 * 1024 * 1024, partBytes: 16 * 1024 * 1024 };
const PARTS_AT_A_TIME = 4;
/** S3's own limit. */
const MAX_PARTS = 10_000;

/** An upload that is open: its object appears whole when it is completed, or not at all. */
export interface Upload {
  /** @param number of the part, from 1. @throws AppError storage_failed and what the client throws. */
  putPart(number: number, body: Uint8Array): Promise<void>;
  /** @throws AppError storage_failed and what the client throws. */
  complete(): Promise<void>;
  /** Gives the upload up, so that its parts are not paid for. No part may be on its way: one that arrives later would stay. */
  abort(): Promise<void>;
}

/** Opens an upload. @throws AppError storage_failed and what the client throws. */
export async function startUpload(client: S3Client, key: string): Promise<Upload> {
  const id = randomUUID();
  const opened = await client.send({
    method: 'POST',
    key,
    query: [['uploads', '']],
    headers: { [MARK]: id },
    accepts: [200],
  });
  const uploadId = parseUploadId(opened.body);
  const etags: string[] = [];
  return {
    async putPart(number, body) {
      etags[number - 1] = await putPart(client, key, uploadId, number, body);
    },
    complete: () => complete(client, key, uploadId, etags, id),
    async abort() {
      await client
        .send({ method: 'DELETE', key, query: [['uploadId', uploadId]], accepts: [200, 204, 404] })
        .catch(() => undefined);
    },
  };
}

/**
 * Writes an object in parts: it appears whole when the last call is done, or not at all. A failed
 * upload is aborted.
 *
 * @throws AppError storage_failed and what the client throws.
 */
export async function putInParts(client: S3Client, key: string, source: PartSource, partBytes: number): Promise<void> {
  const upload = await startUpload(client, key);
  const put = async ([at, [start, end]]: [number, [number, number]]): Promise<void> =>
    upload.putPart(at + 1, await source.read(start, end));
  try {
    // All under way settle before an error goes on: a part that arrives after the abort would stay.
    await forEachAtOnce(partRanges(source.sizeBytes, partBytes).entries(), put, PARTS_AT_A_TIME);
    await upload.complete();
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

/** Where the parts are cut: [start, end) of each. Parts grow where there would be too many. */
export function partRanges(sizeBytes: number, partBytes: number): [start: number, end: number][] {
  const size = Math.max(partBytes, Math.ceil(sizeBytes / MAX_PARTS));
  const ranges: [number, number][] = [];
  for (let start = 0; start < sizeBytes; start += size) ranges.push([start, Math.min(start + size, sizeBytes)]);
  return ranges;
}

async function putPart(client: S3Client, key: string, uploadId: string, number: number, body: Uint8Array) {
  const query = [
    ['partNumber', String(number)],
    ['uploadId', uploadId],
  ] as const;
  const { headers } = await client.send({ method: 'PUT', key, query, body, accepts: [200] });
  if (headers.etag === undefined) {
    throw new AppError('storage_failed', `The store took part ${number} of ${key} without an ETag`, { key });
  }
  return headers.etag;
}

async function complete(
  client: S3Client,
  key: string,
  uploadId: string,
  etags: readonly string[],
  id: string,
): Promise<void> {
  const call: S3Call = {
    method: 'POST',
    key,
    query: [['uploadId', uploadId]],
    body: completionBody(etags),
    accepts: [200, 404],
  };
  await withRetries<void>(client.retry, async () => {
    const tried = await client.attempt(call);
    if (tried.kind === 'again') return tried;
    const { status, headers, body } = tried.value;
    // An upload that is gone was completed by an earlier try whose answer was lost, or is another's fault.
    if (status === 404 && (await isMarked(client, key, id))) return { kind: 'done', value: undefined };
    const error = status === 404 ? { code: 'NoSuchUpload', message: '' } : parseCompletion(body);
    if (error === undefined) return { kind: 'done', value: undefined };
    // S3 starts to answer before it knows: a 200 may hold an error, which is like a 500.
    const failure = judgeAnswer(client.nameOf(call), { status, headers }, error.code, error.message);
    if (failure.kind === 'again') return failure;
    throw failure.error;
  });
}

async function isMarked(client: S3Client, key: string, id: string): Promise<boolean> {
  const { status, headers } = await client.send({ method: 'HEAD', key, accepts: [200, 404] });
  return status === 200 && headers[MARK] === id;
}
