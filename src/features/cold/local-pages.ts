import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32c } from '../../base/crc32c.ts';
import { AppError, systemErrorCode } from '../../base/errors.ts';
import { LIMITS } from '../../base/limits.ts';
import type { EntityKind } from '../../domain/entity-keys.ts';
import type { ColdLayout } from './cold-layout.ts';
import type { KindPages, PageStore, SavedPages } from './page-store.ts';

/** The file's first block holds its id as text. */
const HEADER_BYTES = 4096;
/** Behind a page's numbers: CRC-32C, and four bytes that keep the next page aligned. */
const TRAILER_BYTES = 8;

/**
 * Pages in one file, with a cache of those that were read last. The file is scratch space of the state: a snapshot
 * names the pages that it needs, and those are not written over until another snapshot is in its place; a file that
 * no snapshot names is made anew. Reads and writes are synchronous, as the state is: they are of pages that the
 * system nearly always has in memory. A page that cannot be written (a full disk) stays in memory and is written
 * later: state has been touched by then, and what is lost with it is taken back by the journal.
 */
export class LocalPages implements PageStore {
  readonly #path: string;
  readonly #numbers: number;
  readonly #pageBytes: number;
  readonly #buffer: Buffer;
  readonly #cache = new Map<number, Float64Array>();
  readonly #frames: number;
  /** Pages that could not be written yet. */
  readonly #unwritten = new Map<number, Float64Array>();
  #file = -1;
  #id = '';
  #count = 0;
  #free: number[] = [];
  /** Given back since the last snapshot, which needs them. */
  #later: number[] = [];
  /** Pages that the last snapshot needs. */
  #pinned = new Set<number>();

  /** @param numbers of a page. @param cacheBytes memory for pages, of which there are 16 at least. */
  constructor(path: string, numbers: number, cacheBytes: number) {
    this.#path = path;
    this.#numbers = numbers;
    this.#pageBytes = numbers * 8 + TRAILER_BYTES;
    this.#buffer = Buffer.alloc(this.#pageBytes);
    this.#frames = Math.max(16, Math.floor(cacheBytes / (numbers * 8)));
  }

  write(numbers: Float64Array): number {
    const page = this.#free.pop() ?? this.#count;
    this.#count = Math.max(this.#count, page + 1);
    this.#frameOf(page).set(numbers);
    try {
      this.#writeLate();
      this.#put(page, numbers);
    } catch {
      this.#unwritten.set(page, numbers.slice());
    }
    return page;
  }

  read(page: number): Float64Array {
    const known = this.#cache.get(page);
    if (known !== undefined) {
      this.#cache.delete(page);
      this.#cache.set(page, known);
      return known;
    }
    const unwritten = this.#unwritten.get(page);
    if (unwritten !== undefined) return unwritten;
    const buffer = this.#buffer;
    const length = readSync(this.#file, buffer, 0, this.#pageBytes, this.#offsetOf(page));
    const sum = crc32c(buffer, 0, this.#numbers * 8);
    if (length !== this.#pageBytes || sum !== buffer.readUInt32LE(this.#numbers * 8)) throw this.#damaged(page);
    const frame = this.#frameOf(page);
    new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength).set(buffer.subarray(0, this.#numbers * 8));
    return frame;
  }

  free(page: number): void {
    this.#cache.delete(page);
    this.#unwritten.delete(page);
    if (this.#pinned.has(page)) this.#later.push(page);
    else this.#free.push(page);
  }

  saved(): SavedPages {
    this.#writeLate();
    if (this.#file < 0) this.#create();
    fsyncSync(this.#file);
    return { id: this.#id, count: this.#count, free: [...this.#free, ...this.#later] };
  }

  pin(): void {
    for (const page of this.#later) this.#free.push(page);
    this.#later = [];
    const free = new Set(this.#free);
    this.#pinned = new Set();
    for (let page = 0; page < this.#count; page += 1) if (!free.has(page)) this.#pinned.add(page);
  }

  restore({ id, count, free }: SavedPages): string | undefined {
    let file: number;
    try {
      file = openSync(this.#path, 'r+');
    } catch (error) {
      return `its pages cannot be opened (${systemErrorCode(error) ?? 'unknown'})`;
    }
    const header = Buffer.alloc(id.length);
    readSync(file, header, 0, id.length, 0);
    if (header.toString('latin1') !== id || fstatSync(file).size < HEADER_BYTES + count * this.#pageBytes) {
      closeSync(file);
      return 'its pages are of another state';
    }
    this.close();
    this.#file = file;
    this.#id = id;
    this.#count = count;
    this.#free = [...free];
    this.pin();
    return undefined;
  }

  close(): void {
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
    this.#count = 0;
    this.#free = [];
    this.#later = [];
    this.#pinned.clear();
    this.#unwritten.clear();
    this.#cache.clear();
  }

  #put(page: number, numbers: Float64Array): void {
    if (this.#file < 0) this.#create();
    const buffer = this.#buffer;
    buffer.set(new Uint8Array(numbers.buffer, numbers.byteOffset, this.#numbers * 8));
    buffer.writeUInt32LE(crc32c(buffer, 0, this.#numbers * 8), this.#numbers * 8);
    const written = writeSync(this.#file, buffer, 0, this.#pageBytes, this.#offsetOf(page));
    if (written !== this.#pageBytes) throw new AppError('disk_full', `${this.#path} took a part of a page only`);
  }

  /** Writes what could not be written before. */
  #writeLate(): void {
    for (const [page, numbers] of this.#unwritten) {
      this.#put(page, numbers);
      this.#unwritten.delete(page);
    }
  }

  #create(): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    this.#file = openSync(this.#path, 'w+', 0o600);
    this.#id = randomUUID();
    writeSync(this.#file, Buffer.from(this.#id.padEnd(HEADER_BYTES, '\0'), 'latin1'), 0, HEADER_BYTES, 0);
  }

  /** The memory of a page that is not in the cache: a new one, or that of the page that was not read for longest. */
  #frameOf(page: number): Float64Array {
    let frame = this.#cache.get(page);
    if (frame === undefined && this.#cache.size >= this.#frames) {
      const oldest = this.#cache.keys().next().value as number;
      frame = this.#cache.get(oldest);
      this.#cache.delete(oldest);
    }
    frame ??= new Float64Array(this.#numbers);
    this.#cache.set(page, frame);
    return frame;
  }

  /** No start takes the state from these pages any more: it is built from the lake and the journals. */
  #damaged(page: number): AppError {
    writeSync(this.#file, Buffer.alloc(this.#id.length), 0, this.#id.length, 0);
    return new AppError(
      'state_damaged',
      `page ${page} of ${this.#path} is damaged: start the server again, and the state is built anew`,
    );
  }

  #offsetOf(page: number): number {
    return HEADER_BYTES + page * this.#pageBytes;
  }
}

/** The pages of a kind of entity in a folder. */
export function localPages(folder: string): (kind: EntityKind, layout: ColdLayout) => KindPages {
  return (kind, { shape, eventStride, summaryStride }) => ({
    events: new LocalPages(join(folder, `${kind}-events.pages`), shape.chunk * eventStride, LIMITS.coldCacheBytes),
    index: new LocalPages(join(folder, `${kind}-index.pages`), shape.fanout * summaryStride, LIMITS.coldCacheBytes),
  });
}
