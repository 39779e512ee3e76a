import { AppError } from '../../base/errors.ts';
import { encodeNumber } from './encode-number.ts';
import { JsonReader, type JsonToken } from './json-reader.ts';
import { DictionaryDraft, unsignedSize } from './variant-dictionary.ts';
import { BASIC, PRIMITIVE, SHORT_STRING_BYTES, VARIANT_LIMITS, type VariantBytes } from './variant-format.ts';

/**
 * The variant of a JSON text (VariantEncoding.md), byte for byte as Spark's `parse_json` makes it
 * where both take the text: an integer has its smallest width, a number without exponent of up to
 * 38 digits is a decimal with the digits that it has, others are doubles. Fields are in the order
 * of their names in UTF-8, as the specification says (Spark: in UTF-16).
 *
 * @throws AppError invalid_json for a text that is no JSON, has a name twice in an object, half a
 * surrogate pair, or a number beyond the doubles; too_deep, too_large.
 */
export function encodeVariant(jsonText: string): VariantBytes {
  const writer = new ValueWriter(new JsonReader(jsonText));
  const value = writer.document();
  const metadata = writer.dictionary.encode();
  checkSize(metadata.length);
  return { metadata, value };
}

/** Values of an object or array that were written: where they start, from the first; of an object also their names. */
interface Children {
  readonly ids: number[] | undefined;
  readonly offsets: number[];
}

class ValueWriter {
  readonly dictionary = new DictionaryDraft();
  readonly #reader: JsonReader;
  /** Headers of objects and arrays come before their values and are known after them: they are filled in. */
  readonly #parts: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(reader: JsonReader) {
    this.#reader = reader;
  }

  document(): Buffer {
    this.#value(this.#reader.next(), 0);
    if (this.#reader.next().kind !== 'end') throw this.#reader.invalid('something follows the value');
    return Buffer.concat(this.#parts);
  }

  #value(token: JsonToken, depth: number): void {
    if (depth > VARIANT_LIMITS.depth) {
      throw new AppError('too_deep', `A variant nests at most ${VARIANT_LIMITS.depth} deep`);
    }
    switch (token.kind) {
      case 'literal':
        this.#append(Buffer.of(literalType(token.value) << 2));
        break;
      case 'string':
        this.#string(token.text);
        break;
      case 'number':
        this.#number(token.text);
        break;
      case '[':
        this.#children({ ids: undefined, offsets: [] }, ']', depth);
        break;
      case '{':
        this.#children({ ids: [], offsets: [] }, '}', depth);
        break;
      default:
        throw this.#reader.invalid('a value was expected');
    }
  }

  #number(text: string): void {
    const bytes = encodeNumber(text);
    if (bytes === undefined) throw this.#reader.invalid('a number is too large for a double');
    this.#append(bytes);
  }

  #string(text: string): void {
    const bytes = Buffer.from(text, 'utf8');
    if (bytes.length <= SHORT_STRING_BYTES) this.#append(Buffer.of((bytes.length << 2) | BASIC.shortString));
    else {
      const header = Buffer.alloc(5);
      header.writeUInt8(PRIMITIVE.string << 2, 0);
      header.writeUInt32LE(bytes.length, 1);
      this.#append(header);
    }
    this.#append(bytes);
  }

  #children(children: Children, close: ']' | '}', depth: number): void {
    const { ids, offsets } = children;
    const place = this.#parts.push(NOTHING) - 1;
    const start = this.#sizeBytes;
    const seen = new Set<number>();
    for (let token = this.#reader.next(); token.kind !== close; token = this.#next(close)) {
      let first = token;
      if (ids !== undefined) {
        const id = this.#name(token);
        if (seen.has(id)) throw this.#reader.invalid('an object has a name twice');
        seen.add(id);
        ids.push(id);
        first = this.#reader.next();
      }
      offsets.push(this.#sizeBytes - start);
      this.#value(first, depth + 1);
    }
    const dataSize = this.#sizeBytes - start;
    const header = ids === undefined ? arrayHeader(offsets, dataSize) : this.#objectHeader(ids, offsets, dataSize);
    this.#parts[place] = header;
    this.#grow(header.length);
  }

  /** The token after a value: the bracket that closes, or the first of what follows a comma. */
  #next(close: ']' | '}'): JsonToken {
    const token = this.#reader.next();
    if (token.kind === close) return token;
    if (token.kind !== ',') throw this.#reader.invalid(`a comma or ${close} was expected`);
    const after = this.#reader.next();
    if (after.kind === close) throw this.#reader.invalid('a value was expected after a comma');
    return after;
  }

  /** The id of a field's name, with the colon after it. */
  #name(token: JsonToken): number {
    if (token.kind !== 'string') throw this.#reader.invalid('a name was expected');
    const id = this.dictionary.idOf(token.text);
    checkSize(this.dictionary.sizeBytes);
    if (this.#reader.next().kind !== ':') throw this.#reader.invalid('a colon was expected');
    return id;
  }

  #objectHeader(ids: readonly number[], offsets: readonly number[], dataSize: number): Buffer {
    const names = ids.map((id) => this.dictionary.bytesOf(id));
    const order = [...ids.keys()].sort((a, b) => Buffer.compare(names[a] ?? NOTHING, names[b] ?? NOTHING));
    const idSize = unsignedSize(ids.reduce((most, id) => Math.max(most, id), 0));
    const offsetSize = unsignedSize(dataSize);
    const isLarge = ids.length > 0xff;
    const info = (offsetSize - 1) | ((idSize - 1) << 2) | (isLarge ? 0x10 : 0);
    return headerBytes((info << 2) | BASIC.object, isLarge, ids.length, [
      { size: idSize, values: order.map((at) => ids[at] ?? 0) },
      { size: offsetSize, values: [...order.map((at) => offsets[at] ?? 0), dataSize] },
    ]);
  }

  #append(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#grow(bytes.length);
  }

  #grow(length: number): void {
    this.#sizeBytes += length;
    checkSize(this.#sizeBytes);
  }
}

const NOTHING = Buffer.alloc(0);

function literalType(value: null | boolean): number {
  if (value === null) return PRIMITIVE.null;
  return value ? PRIMITIVE.true : PRIMITIVE.false;
}

function arrayHeader(offsets: readonly number[], dataSize: number): Buffer {
  const offsetSize = unsignedSize(dataSize);
  const isLarge = offsets.length > 0xff;
  const info = (offsetSize - 1) | (isLarge ? 4 : 0);
  return headerBytes((info << 2) | BASIC.array, isLarge, offsets.length, [
    { size: offsetSize, values: [...offsets, dataSize] },
  ]);
}

/** First byte and count, and lists of integers of one size each. */
function headerBytes(
  first: number,
  isLarge: boolean,
  count: number,
  lists: readonly { readonly size: number; readonly values: readonly number[] }[],
): Buffer {
  const countSize = isLarge ? 4 : 1;
  const bytes = Buffer.alloc(1 + countSize + lists.reduce((sum, { size, values }) => sum + size * values.length, 0));
  bytes.writeUInt8(first, 0);
  bytes.writeUIntLE(count, 1, countSize);
  let at = 1 + countSize;
  for (const { size, values } of lists) {
    for (const value of values) {
      bytes.writeUIntLE(value, at, size);
      at += size;
    }
  }
  return bytes;
}

function checkSize(sizeBytes: number): void {
  if (sizeBytes > VARIANT_LIMITS.bytes) {
    throw new AppError('too_large', `A variant has at most ${VARIANT_LIMITS.bytes} bytes`);
  }
}
