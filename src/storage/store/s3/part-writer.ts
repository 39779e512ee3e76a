import type { ObjectWriter } from '../object-store.ts';
import type { S3Client } from './client.ts';
import { startUpload, type Upload } from './multipart.ts';

/** Parts of one size before they grow: 16 GiB of the usual ones. A store that wants them all alike takes so much. */
const EQUAL_PARTS = 1000;
/** Parts after which they grow by one part's size: 10,000 of them, the most that S3 takes, then hold its largest object, 5 TiB. */
const GROWING_PARTS = 100;

/**
 * Writes an object whose size nobody knows yet: bytes are gathered until they fill a part. What fills none is put by one
 * call at the end. Memory is one part.
 */
export function s3PartWriter(client: S3Client, key: string, partBytes: number): ObjectWriter {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let parts = 0;
  let upload: Upload | undefined;
  const take = (): Uint8Array => {
    const bytes = Buffer.concat(gathered, gatheredBytes);
    gathered = [];
    gatheredBytes = 0;
    return bytes;
  };
  const putPart = async (): Promise<void> => {
    upload ??= await startUpload(client, key);
    parts += 1;
    await upload.putPart(parts, take());
  };
  return {
    async append(part) {
      for (let from = 0; from < part.length; ) {
        const room = partSizeBytes(parts + 1, partBytes) - gatheredBytes;
        const piece = part.subarray(from, from + room);
        gathered.push(piece);
        gatheredBytes += piece.length;
        from += piece.length;
        if (piece.length === room) await putPart();
      }
    },
    async finish() {
      if (upload === undefined) {
        await client.send({ method: 'PUT', key, body: take(), accepts: [200] });
        return;
      }
      if (gatheredBytes > 0) await putPart();
      await upload.complete();
      upload = undefined;
    },
    async abandon() {
      take();
      await upload?.abort();
      upload = undefined;
    },
  };
}

/** How large a part is. @param number from 1. */
export function partSizeBytes(number: number, partBytes: number): number {
  return partBytes * Math.max(1, 1 + Math.ceil((number - EQUAL_PARTS) / GROWING_PARTS));
}
