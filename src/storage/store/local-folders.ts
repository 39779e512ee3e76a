import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../../base/errors.ts';
import { syncFolder } from './local-files.ts';

const FOLDER_MODE = 0o700;

/** Makes folders and syncs the entries of those that it made, parents first; remembers what is there. */
export function folderMaker(): { make(path: string): Promise<void> } {
  const known = new Set<string>();
  const make = async (path: string): Promise<void> => {
    if (known.has(path)) return;
    const parent = dirname(path);
    if (parent !== path && !(await isFolder(path))) {
      await make(parent);
      await mkdir(path, { mode: FOLDER_MODE }).catch((error: unknown) => {
        if (systemErrorCode(error) !== 'EEXIST') throw error;
      });
      await syncFolder(parent);
    }
    known.add(path);
  };
  return {
    async make(path) {
      // A folder that was removed under us is made again.
      if (known.has(path) && !(await isFolder(path))) known.clear();
      await make(path);
    },
  };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
