import { type FileHandle, open, unlink } from 'node:fs/promises';
import { AppError } from '../../../base/errors.ts';
import { FILE_MODE, guarded } from '../local-files.ts';
import type { ByteRange } from '../object-store.ts';
import type { S3Client } from './client.ts';
import type { BodySink } from './http-exchange.ts';

/** An object's bytes, or those in a range; undefined where there is no such object. @throws AppError */
export async function getFromS3(
  client: S3Client,
  key: string,
  range: ByteRange | undefined,
): Promise<Uint8Array | undefined> {
  if (range === undefined) {
    const { status, body } = await client.send({ method: 'GET', key, accepts: [200, 404] });
    return status === 404 ? undefined : body;
  }
  const { start, end = Number.POSITIVE_INFINITY } = range;
  // An empty range cannot be asked for: one byte is, and dropped, which tells whether the object is there.
  const last = end === Number.POSITIVE_INFINITY ? '' : String(Math.max(end - 1, start));
  const { status, headers, body } = await client.send({
    method: 'GET',
    key,
    headers: { range: `bytes=${start}-${last}` },
    accepts: [200, 206, 404, 416],
  });
  if (status === 404) return undefined;
  // The range starts at the object's end or beyond it.
  if (status === 416) return new Uint8Array(0);
  // A server may leave a range out of account (RFC 9110, 14.2): then the whole object came.
  const from = status === 206 ? 0 : start;
  // Bytes from another place would be taken for a page of a Parquet file.
  const told = /^bytes (\d+)-(\d+)\//.exec(headers['content-range'] ?? '');
  if (status === 206 && (Number(told?.[1]) !== start || Number(told?.[2]) - start + 1 !== body.length)) {
    throw new AppError('storage_failed', `The store gives another range of ${key} than it was asked for`, { key });
  }
  return body.subarray(from, from + Math.max(0, end - start));
}

/** Copies an object into a new file; gives whether there is such an object. @throws AppError */
export function fetchFromS3(client: S3Client, key: string, path: string): Promise<boolean> {
  return guarded(key, async () => {
    const target = newFileSink(path);
    try {
      const { status } = await client.send({ method: 'GET', key, accepts: [200, 404], sink: target.sink });
      await target.close();
      return status === 200;
    } catch (error) {
      await target.discard();
      throw error;
    }
  });
}

/** A file that is made when a body begins, and begun anew for a second. */
function newFileSink(path: string): { sink: BodySink; close(): Promise<void>; discard(): Promise<void> } {
  let file: FileHandle | undefined;
  let at = 0;
  return {
    sink: {
      async start() {
        file ??= await open(path, 'wx', FILE_MODE);
        await file.truncate(0);
        at = 0;
      },
      async write(bytes) {
        for (let from = 0; from < bytes.length; ) {
          const written = await file?.write(bytes, from, bytes.length - from, at);
          from += written?.bytesWritten ?? 0;
          at += written?.bytesWritten ?? 0;
        }
      },
    },
    async close() {
      await file?.close();
    },
    async discard() {
      // A file that was there before was never opened, and is left alone.
      if (file === undefined) return;
      await file.close().catch(() => undefined);
      await unlink(path).catch(() => undefined);
    },
  };
}
