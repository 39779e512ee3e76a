import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, systemErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import {
  bytesOf,
  decodeSections,
  encodeSections,
  numbersOf,
  type ReadSections,
  type Section,
  type SectionFormat,
} from '../base/section-file.ts';
import type { AnswerColumns, AnswerIndex } from '../events/answer-index.ts';
import { localPages } from '../features/cold/local-pages.ts';
import { restoreStore, type StoreHeader, snapshotOfStore } from '../features/embedded/embedded-snapshot.ts';
import { EmbeddedStore } from '../features/embedded/embedded-store.ts';
import { limitsFor } from '../features/embedded/embedded-tables.ts';
import type { FeatureSet } from '../features/feature-set.ts';

/** Beside the snapshots of an instance: the version of the set that its server has open, or had last. */
const SERVED_FILE = 'served';

/** Notes which set a server opens; its snapshot and the pages beside it are the server's from then on. */
export async function noteServed(snapshotPath: string, { version }: FeatureSet): Promise<void> {
  const folder = dirname(snapshotPath);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(join(folder, SERVED_FILE), `${version}\n`, { mode: 0o600 });
}

/** The version of the set that was noted last; undefined where none was. */
export async function servedVersion(snapshotPath: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dirname(snapshotPath), SERVED_FILE), 'utf8')).trim();
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What a state was built from, up to where. */
export interface SnapshotBase {
  readonly journalId: string;
  /** The last position of each journal that the state holds. */
  readonly offsets: Readonly<Record<string, number>>;
  /** Version of silver.transactions that was read for it. */
  readonly silverVersion: number;
  /** The last epoch that is known to have been opened. */
  readonly lastEpoch: number;
  readonly lastKnownTimeMicros: number;
}

/** What became of reading a snapshot. */
export type ReadSnapshot =
  | { readonly kind: 'restored'; readonly base: SnapshotBase }
  /** The store and the index are as they were: empty. */
  | { readonly kind: 'refused'; readonly reason: string };

const FORMAT: SectionFormat = { magic: 'SNTLSNAP', version: 5 };
const ANSWERS = 'answers-';

/**
 * An empty store whose snapshot will lie at `path`: its pages lie beside it. The caller closes it.
 *
 * @param recorded how much there is that it may have to hold.
 */
export function storeOfSnapshot(path: string, set: FeatureSet, recorded: number): EmbeddedStore {
  return new EmbeddedStore(set, limitsFor(recorded), localPages(pagesFolder(path)));
}

function pagesFolder(path: string): string {
  return `${path}-pages`;
}

function temporaryOf(path: string): string {
  return `${path}.writing`;
}

/**
 * Writes a store and its answers, all of which must be durable, in place of an earlier snapshot. It is
 * a cache: it is not synced, and one that a crash left torn is refused by its checksums. Of those in its folder the
 * newest stay.
 */
export async function writeSnapshot(
  path: string,
  store: EmbeddedStore,
  index: AnswerIndex,
  base: SnapshotBase,
): Promise<void> {
  const { header, sections } = snapshotOfStore(store);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = temporaryOf(path);
  const file = await open(temporary, 'w', 0o600);
  try {
    const answers = sectionsOfAnswers(index.columns(base.lastKnownTimeMicros));
    for (const piece of encodeSections(FORMAT, { store: header, base }, [...sections, ...answers])) {
      await writeWhole(file, piece);
    }
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await file.close();
  await rename(temporary, path);
  store.snapshotTaken();
  await removeOldest(dirname(path));
}

/**
 * Snapshots of sets that are served no more would fill the disk, and so would pages that a killed server left without
 * a snapshot, and what one wrote that was killed before the end.
 */
async function removeOldest(folder: string): Promise<void> {
  const names = await readdir(folder);
  const paths = new Set(names.flatMap((name) => /^(.*\.snapshot)(-pages|\.writing)?$/.exec(name)?.[1] ?? []));
  const aged = await Promise.all([...paths].map(async (name) => ({ name, modifiedMs: await newestOf(folder, name) })));
  aged.sort((a, b) => b.modifiedMs - a.modifiedMs);
  for (const { name } of aged.slice(LIMITS.snapshotsOfInstance)) {
    const path = join(folder, name);
    await rm(path, { force: true });
    await rm(temporaryOf(path), { force: true });
    await rm(pagesFolder(path), { recursive: true, force: true });
  }
}

/** When a snapshot, what was to become one, or its pages were written last, milliseconds. */
async function newestOf(folder: string, name: string): Promise<number> {
  const path = join(folder, name);
  const pages = await readdir(pagesFolder(path)).catch(() => []);
  const files = [path, temporaryOf(path), ...pages.map((page) => join(pagesFolder(path), page))];
  const times = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(...times);
}

/**
 * Fills a new store and a new index from a snapshot.
 *
 * @param isUsable says what is wrong with what it was built from; it is asked before anything is filled.
 */
export async function readSnapshot(
  path: string,
  store: EmbeddedStore,
  index: AnswerIndex,
  isUsable: (base: SnapshotBase) => Promise<string | undefined>,
): Promise<ReadSnapshot> {
  let file: ReadSections;
  try {
    file = await readSections(path);
  } catch (error) {
    const code = systemErrorCode(error);
    return {
      kind: 'refused',
      reason: code === 'ENOENT' ? 'there is none' : `it cannot be read (${code ?? messageOf(error)})`,
    };
  }
  if (file.kind === 'refused') return file;
  const { store: header, base } = file.header as { store: StoreHeader; base: SnapshotBase };
  const reason = (await isUsable(base)) ?? restoreStore(store, header, file.sections);
  if (reason !== undefined) return { kind: 'refused', reason };
  index.restore(answersOf(file.sections));
  return { kind: 'restored', base };
}

/** A read or a write takes 2 GiB at most, and a section may be larger. */
const STEP_BYTES = 2 ** 30;

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, Math.min(STEP_BYTES, bytes.length - done))).bytesWritten;
  }
}

/** Section by section: a snapshot of 7 M payments is larger than a buffer can be. */
async function readSections(path: string): Promise<ReadSections> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return await decodeSections(FORMAT, { size, read: (at, length) => readPart(file, at, length) });
  } finally {
    await file.close();
  }
}

async function readPart(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(STEP_BYTES, length - done), at + done);
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}

function sectionsOfAnswers(columns: AnswerColumns): Section[] {
  return Object.entries(columns).map(([name, numbers]) => ({
    name: `${ANSWERS}${name}`,
    bytes: bytesOf(numbers as ArrayBufferView),
  }));
}

function answersOf(sections: ReadonlyMap<string, Buffer>): AnswerColumns {
  const section = (name: keyof AnswerColumns): Buffer | undefined => sections.get(`${ANSWERS}${name}`);
  return {
    keys: numbersOf(Int32Array, section('keys')),
    segments: numbersOf(Float64Array, section('segments')),
    offsets: numbersOf(Uint32Array, section('offsets')),
    fingerprints: numbersOf(BigInt64Array, section('fingerprints')),
    known: numbersOf(Float64Array, section('known')),
  };
}
