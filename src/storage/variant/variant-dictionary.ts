import { corruptVariant, METADATA_VERSION, unsupportedVariant, VARIANT_LIMITS } from './variant-format.ts';
import { VariantReader } from './variant-reader.ts';

/*
 * The metadata of a variant (VariantEncoding.md, "Metadata encoding"):
 *
 *   metadata = header, size, offset × (size + 1), UTF-8 texts
 *   header   = bits 0–3 version 1, bit 4 sorted, bits 6–7 bytes of `size` and of an offset, less 1
 *
 * The n-th text lies between the n-th offset and the next, both from the first text on. Whether
 * texts are sorted only helps a search, which we have none of.
 */

/** The names of the fields of a variant's objects, by their ids. */
export class VariantDictionary {
  readonly #reader: VariantReader;
  readonly #offsetSize: number;
  readonly #textsAt: number;
  /** JSON texts of names that were asked for: most values use a name more than once. */
  readonly #quoted = new Map<number, string>();
  readonly size: number;

  /** @throws AppError table_corrupt, table_unsupported for another version. */
  constructor(metadata: Uint8Array) {
    if (metadata.length > VARIANT_LIMITS.bytes) throw unsupportedVariant(`its metadata has ${metadata.length} bytes`);
    this.#reader = new VariantReader(metadata);
    const header = this.#reader.unsigned(0, 1);
    const version = header & 0x0f;
    if (version !== METADATA_VERSION) throw unsupportedVariant(`its encoding is of version ${version}`);
    this.#offsetSize = (header >>> 6) + 1;
    this.size = this.#reader.unsigned(1, this.#offsetSize);
    this.#textsAt = 1 + (this.size + 2) * this.#offsetSize;
    const end = this.#textsAt + this.#offset(this.size);
    if (this.#offset(0) !== 0 || end !== metadata.length) {
      throw corruptVariant(`its names end at ${end} of ${metadata.length} bytes`);
    }
  }

  /** The JSON text of a name. @throws AppError table_corrupt where there is no such id, or no name. */
  quoted(id: number): string {
    const known = this.#quoted.get(id);
    if (known !== undefined) return known;
    if (id >= this.size) throw corruptVariant(`it has ${this.size} names and a field has the name ${id}`);
    const start = this.#offset(id);
    const end = this.#offset(id + 1);
    if (end < start) throw corruptVariant('the offsets of its names descend');
    const text = JSON.stringify(this.#reader.utf8(this.#textsAt + start, end - start));
    this.#quoted.set(id, text);
    return text;
  }

  #offset(index: number): number {
    return this.#reader.unsigned(1 + (1 + index) * this.#offsetSize, this.#offsetSize);
  }
}

/** Gathers names while a value is written: each has the id of its first use, as Spark gives it. */
export class DictionaryDraft {
  readonly #ids = new Map<string, number>();
  readonly #names: Buffer[] = [];
  #bytes = 0;

  /** How many bytes its metadata has, at least. */
  get sizeBytes(): number {
    return this.#bytes + this.#names.length;
  }

  idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#names.length;
    const bytes = Buffer.from(name, 'utf8');
    this.#ids.set(name, id);
    this.#names.push(bytes);
    this.#bytes += bytes.length;
    return id;
  }

  /** The name's UTF-8 bytes, by which the fields of an object are in order. */
  bytesOf(id: number): Buffer {
    return this.#names[id] ?? Buffer.alloc(0);
  }

  encode(): Buffer {
    const offsetSize = unsignedSize(Math.max(this.#bytes, this.#names.length));
    const textsAt = 1 + (this.#names.length + 2) * offsetSize;
    const metadata = Buffer.alloc(textsAt + this.#bytes);
    metadata.writeUInt8(METADATA_VERSION | ((offsetSize - 1) << 6), 0);
    metadata.writeUIntLE(this.#names.length, 1, offsetSize);
    let at = 1 + offsetSize;
    let offset = 0;
    for (const name of this.#names) {
      metadata.writeUIntLE(offset, at, offsetSize);
      metadata.set(name, textsAt + offset);
      at += offsetSize;
      offset += name.length;
    }
    metadata.writeUIntLE(offset, at, offsetSize);
    return metadata;
  }
}

/** How many bytes an unsigned integer takes. */
export function unsignedSize(value: number): 1 | 2 | 3 | 4 {
  if (value <= 0xff) return 1;
  if (value <= 0xffff) return 2;
  return value <= 0xff_ffff ? 3 : 4;
}
