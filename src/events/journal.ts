import { AppError, systemErrorCode } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { JournalFiles } from './journal-files.ts';
import { encodeGroup, GROUP_HEADER_BYTES, RECORD_HEADER_BYTES } from './journal-format.ts';
import { listSegments, recoverJournal } from './journal-recovery.ts';
import {
  closeTail,
  newSegment,
  newTail,
  SyncFailure,
  syncJournalFolder,
  type Tail,
  writeAhead,
  writeGroup,
} from './segment-tail.ts';

/** Where a durable record lies. */
export interface RecordPlace {
  /** Counts the journal's records from 1. */
  readonly position: number;
  /** First position of the segment that holds it. */
  readonly segment: number;
  /** Byte at which the record's head begins in the segment. */
  readonly offset: number;
}

/** What the owner of a journal gives it. */
export interface JournalPorts {
  readonly files: JournalFiles;
  readonly folder: string;
  /** A fresh UUID, for a journal that is new. */
  newId(): string;
  /** Called in order, before the appends are answered: what `mark` stands for is durable, with all before it. */
  onDurable(mark: number): void;
  /**
   * Called once when a group failed or {@link Journal.takeBack} asked for it, before the appends are rejected:
   * everything after the last durable mark is taken back.
   */
  onLost(): void;
  /** Bytes that are written ahead with zeros; 4 MiB unless told. */
  readonly aheadBytes?: number;
  /** Called once when the disk failed in a way after which nothing can be promised (EIO on fsync): nothing is appended any more. */
  onFatal(error: Error): void;
}

/** The decision log of one instance: appends that are durable when they are answered. */
export interface Journal {
  readonly id: string;
  /** Position of the last durable record; 0 where there is none. */
  durablePosition(): number;
  /** Bytes of all segments that hold a record after a position. */
  backlogBytes(afterPosition: number): number;
  /** Bytes of payloads that are appended and not durable yet. */
  unwrittenBytes(): number;
  /** Why {@link append} would not take a payload now; undefined where it would. */
  refusal(payload: Uint8Array): AppError | undefined;
  /**
   * Appends one payload; resolves when it is durable, in the order of the calls.
   *
   * @param mark what {@link JournalPorts.onDurable} is told then; must not fall from call to call.
   * @throws AppError `disk_full`, `not_durable` or `overloaded`; then the record is not there.
   */
  append(payload: Uint8Array, mark: number): Promise<RecordPlace>;
  /**
   * For state that was touched and gets no record: once what was appended before is durable, {@link JournalPorts.onLost}
   * is called as for a group that failed, and what is appended until then is rejected with `not_durable`.
   */
  takeBack(): void;
  /** Removes whole segments whose every record is at or before a position, but never the last. */
  removeThrough(position: number): Promise<number>;
  /** Waits for what is under way and closes the file. */
  close(): Promise<void>;
}

interface Waiting {
  readonly payload: Uint8Array;
  readonly mark: number;
  readonly resolve: (place: RecordPlace) => void;
  readonly reject: (error: AppError) => void;
}

/**
 * Opens a journal, cutting what a crash left torn.
 *
 * @throws AppError `journal_corrupt`.
 */
export async function openJournal(ports: JournalPorts): Promise<Journal> {
  const { files, folder } = ports;
  await files.makeFolder(folder);
  const end = await recoverJournal(files, folder);
  const sizes = await segmentSizes(files, folder);
  let tail: Tail | undefined;
  if (end?.segment) {
    const file = await files.open(`${folder}/${end.segment.name}`, 'write');
    tail = newTail(file, end.segment.firstPosition, end.endOffset);
  }
  return new GroupCommitJournal(ports, end?.journalId ?? ports.newId(), end?.nextPosition ?? 1, tail, sizes);
}

/**
 * Group commit: while one group is on its way to the disk, the next collects. One fsync costs
 * 1–4 ms, so at 10 k appends/s a group holds 10–40 records and the disk is no bottleneck.
 */
class GroupCommitJournal implements Journal {
  readonly id: string;
  readonly #ports: JournalPorts;
  /** Bytes of each segment by its first position. */
  readonly #sizes: Map<number, number>;
  #nextPosition: number;
  #tail: Tail | undefined;
  #waiting: Waiting[] = [];
  #unwrittenBytes = 0;
  /** Of the group that is on its way to the disk. */
  #groupBytes = 0;
  /** How many of those that wait go to the disk before state is taken back: all where nothing asked for it. */
  #goodCount = Number.POSITIVE_INFINITY;
  #flushing: Promise<void> | undefined;
  #closed = false;
  /** Why nothing is appended any more. */
  #failure: SyncFailure | undefined;
  readonly #onFailure = (error: SyncFailure): void => this.#failWith(error);

  constructor(
    ports: JournalPorts,
    id: string,
    nextPosition: number,
    tail: Tail | undefined,
    sizes: Map<number, number>,
  ) {
    this.#ports = ports;
    this.id = id;
    this.#nextPosition = nextPosition;
    this.#tail = tail;
    this.#sizes = sizes;
  }

  durablePosition(): number {
    return this.#nextPosition - 1;
  }

  backlogBytes(afterPosition: number): number {
    return backlogOf(this.#sizes, afterPosition);
  }

  unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }

  append(payload: Uint8Array, mark: number): Promise<RecordPlace> {
    const refused = this.refusal(payload);
    if (refused !== undefined) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ payload, mark, resolve, reject });
      this.#unwrittenBytes += payload.length;
      this.#startFlush();
    });
  }

  takeBack(): void {
    this.#goodCount = Math.min(this.#goodCount, this.#waiting.length);
    this.#startFlush();
  }

  async removeThrough(position: number): Promise<number> {
    const { files, folder } = this.#ports;
    const segments = await listSegments(files, folder);
    let removed = 0;
    for (const [index, segment] of segments.entries()) {
      const next = segments[index + 1];
      if (next === undefined || next.firstPosition - 1 > position) break;
      await files.remove(`${folder}/${segment.name}`);
      this.#sizes.delete(segment.firstPosition);
      removed += 1;
    }
    if (removed > 0) {
      await syncJournalFolder(files, folder).catch((error: unknown) => {
        this.#failWith(error);
        throw error;
      });
    }
    return removed;
  }

  async close(): Promise<void> {
    this.#closed = true;
    while (this.#flushing !== undefined) await this.#flushing;
    const tail = this.#tail;
    this.#tail = undefined;
    if (tail !== undefined) await closeTail(tail);
  }

  refusal(payload: Uint8Array): AppError | undefined {
    if (this.#failure !== undefined) return failureOf(this.#failure);
    if (this.#closed) return new AppError('not_ready', 'the journal is closed: the server is stopping');
    if (payload.length > LIMITS.journalRecordBytes) {
      return new AppError('too_large', `a record of ${payload.length} bytes is over the journal's limit`);
    }
    if (this.#unwrittenBytes + payload.length > LIMITS.journalQueueBytes) return diskTooSlow();
    return undefined;
  }

  /** The group begins when this turn of the event loop is over, so that it takes all that came in it. */
  #startFlush(): void {
    this.#flushing ??= new Promise((done) => setImmediate(done)).then(() => this.#flush());
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#goodCount === 0) {
      if (this.#goodCount === 0) {
        this.#lose([], new AppError('not_durable', 'what this was based on was taken back: try again'));
        continue;
      }
      const group = this.#takeGroup();
      try {
        await this.#commit(group);
      } catch (error) {
        this.#lose(group, failureOf(error));
        this.#failWith(error);
      }
    }
    this.#flushing = undefined;
  }

  /** Takes what waits, up to the size of a group, and up to where state is taken back. */
  #takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { payload } of this.#waiting) {
      if (count === this.#goodCount || (count > 0 && bytes + payload.length > LIMITS.journalGroupBytes)) break;
      bytes += payload.length;
      count += 1;
    }
    this.#groupBytes = bytes;
    this.#goodCount -= count;
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const tail = await this.#openTail();
    const bytes = encodeGroup(
      this.#nextPosition,
      group.map(({ payload }) => payload),
    );
    if (tail.offset + bytes.length > tail.aheadTo) await tail.writingAhead;
    await writeGroup(tail, bytes);
    // Zeros that were written meanwhile may have met the error that this group's pages had.
    if (this.#failure !== undefined) throw this.#failure;
    // The commit point: from here on the records are there after any crash.
    const start = tail.offset;
    const first = this.#nextPosition;
    tail.offset += bytes.length;
    this.#sizes.set(tail.firstPosition, tail.offset);
    this.#nextPosition += group.length;
    this.#unwrittenBytes -= this.#groupBytes;
    writeAhead(tail, this.#ports.aheadBytes ?? LIMITS.journalAheadBytes, this.#onFailure);
    this.#ports.onDurable(group.at(-1)?.mark ?? 0);
    answer(group, first, tail.firstPosition, start);
  }

  #lose(group: readonly Waiting[], told: AppError): void {
    const lost = [...group, ...this.#waiting];
    this.#waiting = [];
    this.#unwrittenBytes = 0;
    this.#goodCount = Number.POSITIVE_INFINITY;
    // What came later read the state that is now taken back, so it falls with the group.
    this.#ports.onLost();
    for (const { reject } of lost) reject(told);
  }

  /** Ends the journal where the disk cannot be trusted any more. */
  #failWith(error: unknown): void {
    if (!(error instanceof SyncFailure) || this.#failure !== undefined) return;
    this.#failure = error;
    this.#ports.onFatal(error);
  }

  async #openTail(): Promise<Tail> {
    const tail = this.#tail;
    if (tail !== undefined && tail.offset < LIMITS.journalSegmentBytes) return tail;
    this.#tail = undefined;
    if (tail !== undefined) await closeTail(tail);
    this.#tail = await newSegment(this.#ports.files, this.#ports.folder, this.id, this.#nextPosition);
    this.#sizes.set(this.#nextPosition, this.#tail.offset);
    return this.#tail;
  }
}

function answer(group: readonly Waiting[], first: number, segment: number, start: number): void {
  let offset = start + GROUP_HEADER_BYTES;
  for (const [index, { payload, resolve }] of group.entries()) {
    resolve({ position: first + index, segment, offset });
    offset += RECORD_HEADER_BYTES + payload.length;
  }
}

/** What who asks for more room than there is for what waits for the disk is told. */
export function diskTooSlow(): AppError {
  return new AppError('overloaded', 'the disk does not keep up with the journal: try again');
}

function failureOf(error: unknown): AppError {
  const code = systemErrorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError(
      'disk_full',
      'the journal’s disk has no room: free some, and scoring goes on by itself',
      {},
      error,
    );
  }
  return new AppError('not_durable', `the journal could not be written (${code ?? 'fault'}): try again`, {}, error);
}

async function segmentSizes(files: JournalFiles, folder: string): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  for (const segment of await listSegments(files, folder)) {
    const file = await files.open(`${folder}/${segment.name}`, 'read');
    sizes.set(segment.firstPosition, await file.sizeBytes());
    await file.close();
  }
  return sizes;
}

function backlogOf(sizes: ReadonlyMap<number, number>, afterPosition: number): number {
  const firsts = [...sizes.keys()].sort((a, b) => a - b);
  let bytes = 0;
  for (const [index, first] of firsts.entries()) {
    const next = firsts[index + 1];
    if (next === undefined || next - 1 > afterPosition) bytes += sizes.get(first) ?? 0;
  }
  return bytes;
}
