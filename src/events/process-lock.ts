import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { AppError, systemErrorCode } from '../base/errors.ts';
import { isLiveProcess, processStart } from './live-process.ts';

/*
 * lock = pid SP start SP host SP uuid LF
 *
 * `start` is `-` where it is not known, so that a pid that was given out again is not mistaken for its holder. A pid says
 * something on its own host only, and two containers on one volume both have a process 1: a lock of another host is
 * never taken for a dead one's. Locks of earlier versions have neither host nor uuid, and are of this host.
 *
 * The file is linked into its place with its text in it, so that nobody sees it empty. It is removed only by who holds
 * the claim on that very text, a lock like any other beside it: of two who find a dead holder's lock the slower one
 * cannot remove what the faster one has put in its place.
 */

/** Held while a process uses what the lock stands for. */
export interface ProcessLock {
  release(): Promise<void>;
}

/** Who holds a lock: alive, or on a host whose processes cannot be seen from here. */
export interface LockHolder {
  readonly pid: number;
  /** Undefined where it is this one. */
  readonly otherHost: string | undefined;
  /** The lock's file. */
  readonly path: string;
}

interface FoundLock {
  readonly text: string;
  /** Undefined where the holder is known to be dead. */
  readonly holder: LockHolder | undefined;
}

/** Each attempt removes a dead holder's lock, or its claim on another: two are enough but for a race. */
const ATTEMPTS = 5;

/**
 * Takes a lock, in place of one whose holder died.
 *
 * @param path of its file, in a folder that is there. @param what it stands for, for messages. @param advice what to
 * do where a process of this host has it.
 * @throws AppError `locked` that says who has it.
 */
export async function takeLock(path: string, what: string, advice: string): Promise<ProcessLock> {
  const refusal = (holder: LockHolder): AppError => inUse(holder, what, advice);
  const id = randomUUID();
  const text = `${process.pid} ${(await processStart(process.pid)) ?? '-'} ${hostname()} ${id}\n`;
  const own = `${path}.${id}`;
  await writeFile(own, text, { flag: 'wx', mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await linked(own, path)) return { release: () => removeOwn(path, text) };
      await removeDead(path, own, refusal);
    }
  } finally {
    await rm(own, { force: true });
  }
  throw new AppError('locked', `${what} could not be locked: another process keeps taking it`);
}

/** Who holds a lock; undefined where nobody does. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  return (await findLock(path))?.holder;
}

/** Removes a lock whose holder is dead. @throws what `refusal` says where its holder, or who removes it already, is not. */
async function removeDead(path: string, own: string, refusal: (holder: LockHolder) => AppError): Promise<void> {
  const found = await findLock(path);
  if (found === undefined) return;
  if (found.holder !== undefined) throw refusal(found.holder);
  const claim = `${path}.${createHash('sha256').update(found.text).digest('hex').slice(0, 16)}`;
  if (!(await linked(own, claim))) {
    await removeDead(claim, own, refusal);
    return;
  }
  try {
    // Whoever had the claim before may have removed it, and have another in its place.
    await removeOwn(path, found.text);
  } finally {
    await rm(claim, { force: true });
  }
}

/** Gives a file a second name. @returns whether it was free. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a lock where it has this text still. */
async function removeOwn(path: string, text: string): Promise<void> {
  if ((await findLock(path))?.text === text) await rm(path, { force: true });
}

async function findLock(path: string): Promise<FoundLock | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const [pidText = '', start = '-', host = hostname()] = text.trim().split(' ');
  const pid = Number(pidText);
  const otherHost = host === hostname() ? undefined : host;
  // A power cut may leave the file without its text: what held it is gone.
  const isHeld =
    Number.isInteger(pid) &&
    pid > 0 &&
    (otherHost !== undefined || (await isLiveProcess(pid, start === '-' ? undefined : start)));
  return { text, holder: isHeld ? { pid, otherHost, path } : undefined };
}

function inUse({ pid, otherHost, path }: LockHolder, what: string, advice: string): AppError {
  if (otherHost === undefined) {
    return new AppError('locked', `${what} is in use by process ${pid}: ${advice}`, { pid });
  }
  return new AppError(
    'locked',
    `${what} is in use by process ${pid} on the host ${otherHost}, which cannot be seen from here (${hostname()}): ` +
      `stop it there; where it is gone for sure, as a container is that was made anew, remove ${path} and start again`,
    { pid, host: otherHost },
  );
}
