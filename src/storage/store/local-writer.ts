import { type FileHandle, open, unlink } from 'node:fs/promises';
import { FILE_MODE, guarded, ignoreMissing } from './local-files.ts';
import type { ObjectWriter } from './object-store.ts';

/**
 * Writes an object into a temporary file, part by part; at its end the file is synced and put into its place.
 *
 * @param key how errors name the object. @param path of the new file. @param place puts the file where the object is, durably.
 */
export async function localWriter(key: string, path: string, place: () => Promise<void>): Promise<ObjectWriter> {
  const file: FileHandle = await guarded(key, () => open(path, 'wx', FILE_MODE));
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await file.close();
  };
  return {
    append: (part) => guarded(key, () => file.writeFile(part)),
    finish: () =>
      guarded(key, async () => {
        await file.sync();
        await close();
        await place();
      }),
    abandon: () =>
      guarded(key, async () => {
        await close();
        await unlink(path).catch(ignoreMissing);
      }),
  };
}
