import { primitiveText } from './primitive-text.ts';
import { VariantDictionary } from './variant-dictionary.ts';
import { BASIC, corruptVariant, unsupportedVariant, VARIANT_LIMITS, type VariantBytes } from './variant-format.ts';
import { VariantReader } from './variant-reader.ts';

/*
 * A value (VariantEncoding.md, "Value encoding"):
 *
 *   value  = header, data                    header: bits 0–1 the basic type
 *   string = length in header's bits 2–7, UTF-8
 *   object = count, id × count, offset × (count + 1), values
 *            header: bits 2–3 bytes of an offset, 4–5 of an id, less 1; 6 whether count has 4 bytes, or 1
 *   array  = count, offset × (count + 1), values
 *            header: bits 2–3 bytes of an offset, less 1; 4 whether count has 4 bytes, or 1
 *
 * Offsets count from the first value. An object's ids are in the order of their names, its values
 * in any. That order is not checked: Spark sorts by UTF-16 where the specification says UTF-8.
 */

/**
 * The JSON text of a variant, exact in every digit; see `primitiveText` for what JSON has no type
 * for. The fields of an object come as they are encoded, by name.
 *
 * Work and memory are bounded by the bytes: values that share bytes, by which a small variant could
 * hold a huge text, are refused.
 *
 * @throws AppError table_corrupt; table_unsupported for a type or version that we do not know, and
 * beyond the limits.
 */
export function decodeVariant({ metadata, value }: VariantBytes): string {
  if (value.length > VARIANT_LIMITS.bytes) throw unsupportedVariant(`its value has ${value.length} bytes`);
  const writer = new JsonWriter(new VariantDictionary(metadata), new VariantReader(value));
  const end = writer.value(0, 0);
  if (end !== value.length) throw corruptVariant(`${value.length - end} bytes follow its end`);
  return writer.text;
}

/** Where the parts of an object or array lie. */
interface Layout {
  readonly count: number;
  readonly idSize: number;
  readonly idsAt: number;
  readonly offsetSize: number;
  readonly offsetsAt: number;
  readonly valuesAt: number;
  readonly end: number;
}

class JsonWriter {
  readonly #dictionary: VariantDictionary;
  readonly #reader: VariantReader;
  text = '';

  constructor(dictionary: VariantDictionary, reader: VariantReader) {
    this.#dictionary = dictionary;
    this.#reader = reader;
  }

  /** Writes the value at a place; gives where it ends. */
  value(at: number, depth: number): number {
    if (depth > VARIANT_LIMITS.depth) throw unsupportedVariant(`it nests more than ${VARIANT_LIMITS.depth} deep`);
    const header = this.#reader.unsigned(at, 1);
    const info = header >>> 2;
    switch (header & 3) {
      case BASIC.shortString:
        this.#append(JSON.stringify(this.#reader.utf8(at + 1, info)));
        return at + 1 + info;
      case BASIC.object:
        return this.#object(this.#layout(at, (info & 0x10) !== 0, (info & 3) + 1, ((info >>> 2) & 3) + 1), depth);
      case BASIC.array:
        return this.#array(this.#layout(at, (info & 4) !== 0, (info & 3) + 1, 0), depth);
      default: {
        const { text, end } = primitiveText(this.#reader, info, at + 1);
        this.#append(text);
        return end;
      }
    }
  }

  #layout(at: number, isLarge: boolean, offsetSize: number, idSize: number): Layout {
    const countSize = isLarge ? 4 : 1;
    const count = this.#reader.unsigned(at + 1, countSize);
    const idsAt = at + 1 + countSize;
    const offsetsAt = idsAt + count * idSize;
    const valuesAt = offsetsAt + (count + 1) * offsetSize;
    // Checked before anything is read by `count`, which may be 2^32.
    this.#reader.check(at, valuesAt - at);
    const end = valuesAt + this.#reader.unsigned(valuesAt - offsetSize, offsetSize);
    this.#reader.check(at, end - at);
    return { count, idSize, idsAt, offsetSize, offsetsAt, valuesAt, end };
  }

  #object(layout: Layout, depth: number): number {
    const names = new Set<string>();
    this.#append('{');
    let used = 0;
    for (let index = 0; index < layout.count; index += 1) {
      const id = this.#reader.unsigned(layout.idsAt + index * layout.idSize, layout.idSize);
      const name = this.#dictionary.quoted(id);
      if (names.has(name)) throw corruptVariant('an object has two fields of one name');
      names.add(name);
      this.#append(index === 0 ? name : `,${name}`);
      this.#append(':');
      used = this.#child(layout, index, depth, used);
    }
    this.#append('}');
    return layout.end;
  }

  #array(layout: Layout, depth: number): number {
    this.#append('[');
    let used = 0;
    for (let index = 0; index < layout.count; index += 1) {
      if (index > 0) this.#append(',');
      used = this.#child(layout, index, depth, used);
    }
    this.#append(']');
    return layout.end;
  }

  /** Writes a value of an object or array; gives how many bytes its values have up to it. */
  #child({ offsetsAt, offsetSize, valuesAt, end }: Layout, index: number, depth: number, used: number): number {
    const at = valuesAt + this.#reader.unsigned(offsetsAt + index * offsetSize, offsetSize);
    const childEnd = this.value(at, depth + 1);
    if (childEnd > end) throw corruptVariant('a value ends after the one that it is in');
    const usedNow = used + childEnd - at;
    if (usedNow > end - valuesAt) throw corruptVariant('values share bytes');
    return usedNow;
  }

  #append(text: string): void {
    if (this.text.length + text.length > VARIANT_LIMITS.textLength) {
      throw unsupportedVariant(`its text is longer than ${VARIANT_LIMITS.textLength}`);
    }
    this.text += text;
  }
}
