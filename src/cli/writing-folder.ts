import { randomUUID } from 'node:crypto';
import { readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isLiveProcess, processStart } from '../events/live-process.ts';

/** `.NAME.writing-HOST-PID-START-UUID`; START is `x` where it is not known. */
const LEFT_BEHIND = /^\.(.+)\.(writing|old)-(.+)-(\d+)-(\d+|x)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The path of a hidden folder beside a target, where something is prepared that is then renamed into its place. Its name
 * says which process works there, so that it is known for left behind once that process is gone.
 *
 * @param what `writing`, or `old` for what the target was.
 */
export async function pathBeside(target: string, what: 'writing' | 'old'): Promise<string> {
  const start = (await processStart(process.pid)) ?? 'x';
  const owner = `${hostname()}-${process.pid}-${start}`;
  return join(dirname(target), `.${basename(target)}.${what}-${owner}-${randomUUID()}`);
}

/**
 * Tidies up beside a target after processes of this machine that were killed: what they were writing is removed, and what
 * they had moved away is put back where nothing took its place. What other machines left stays: nobody here knows whether
 * they still run. So does what may not be removed.
 */
export async function removeLeftBehind(target: string): Promise<void> {
  const folder = dirname(target);
  const names = await readdir(folder).catch((): string[] => []);
  for (const found of names) {
    const [, name = '', what, host, pid, start] = LEFT_BEHIND.exec(found) ?? [];
    if (host !== hostname() || (await isLiveProcess(Number(pid), start === 'x' ? undefined : start))) continue;
    const isOnly = what === 'old' && !names.includes(name);
    const act = isOnly ? rename(join(folder, found), join(folder, name)) : rm(join(folder, found), { recursive: true });
    await act.catch(() => undefined);
  }
}
