import { lstatSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fillExportFolder } from '../../../src/cli/export-folder.ts';
import type { ObjectStore } from '../../../src/storage/store/object-store.ts';
import { EXPORT_FORMAT, MANIFEST_FILE } from '../../../src/training-export/export-format.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sentinela-export-folder-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const fill = (files: ObjectStore) => files.put(MANIFEST_FILE, Buffer.from(JSON.stringify({ format: EXPORT_FORMAT })));

describe('the folder of an export', () => {
  it('behind a link is filled, and replaced, where it lies', async () => {
    const [there, link] = [join(root, 'there', 'training'), join(root, 'link')];
    mkdirSync(there, { recursive: true });
    symlinkSync(join('there', 'training'), link);
    for (let round = 0; round < 2; round += 1) {
      await fillExportFolder(link, fill);
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(realpathSync(link)).toBe(realpathSync(there));
      expect(readdirSync(there)).toEqual([MANIFEST_FILE]);
      expect(readdirSync(join(root, 'there'))).toEqual(['training']);
    }
    expect(readdirSync(root).sort()).toEqual(['link', 'there']);
  });

  it.runIf(process.platform === 'linux')('that is a mount point is refused before any work', async () => {
    const work = vi.fn(fill);
    const refused = fillExportFolder('/proc', work);
    await expect(refused).rejects.toMatchObject({ code: 'usage' });
    await expect(refused).rejects.toThrow(
      '--out /proc is a mount point, which cannot be replaced: name a folder inside it',
    );
    expect(work).not.toHaveBeenCalled();
  });

  it('that is a link to nothing is refused before any work', async () => {
    const [work, link] = [vi.fn(fill), join(root, 'link')];
    symlinkSync('nowhere', link);
    await expect(fillExportFolder(link, work)).rejects.toThrow('is a link to what is not there: name another folder');
    expect(work).not.toHaveBeenCalled();
    expect(readdirSync(root)).toEqual(['link']);
  });
});
