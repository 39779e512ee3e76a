import { createHash } from 'node:crypto';
import type { ObjectStore, ObjectWriter } from '../storage/store/object-store.ts';
import type { FileSum } from './file-sums.ts';

/** A file of an export whose bytes go out as they come, so that memory never holds it whole, and are summed on the way. */
export interface SummedFile {
  /** Adds bytes, which nobody changes any more. */
  append(bytes: Uint8Array): Promise<void>;
  /** Puts the file into its place. */
  finish(): Promise<FileSum>;
  /** Leaves nothing of it. */
  abandon(): Promise<void>;
}

/** Starts a file, which is begun with its first bytes. */
export function summedFile(files: ObjectStore, name: string): SummedFile {
  const sum = createHash('sha256');
  let sizeBytes = 0;
  let writer: ObjectWriter | undefined;
  const started = async (): Promise<ObjectWriter> => {
    writer ??= await files.startPut(name);
    return writer;
  };
  return {
    async append(bytes) {
      sum.update(bytes);
      sizeBytes += bytes.length;
      await (await started()).append(bytes);
    },
    async finish() {
      await (await started()).finish();
      return { sizeBytes, sha256: sum.digest('hex') };
    },
    abandon: async () => writer?.abandon(),
  };
}
