import { AppError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';

/** Keys and values of a part of a mapping. */
export type Parts = Readonly<Record<string, unknown>>;

const DURATION = /^(\d{1,6})(s|m|h|d)$/;
const UNIT_MICROS: Readonly<Record<string, number>> = { s: 1e6, m: 60e6, h: 3600e6, d: 86_400e6 };

/** Checks parts of a mapping; every complaint names the file and the key. */
export class MappingReader {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** The error about a key; an empty one means the whole file. */
  wrong(where: string, problem: string): AppError {
    const place = where === '' ? this.#name : `${this.#name}: ${where}`;
    return new AppError('invalid_mapping', `${place} ${problem}`, { file: this.#name, key: where });
  }

  /** An object whose keys are among `known`; any where that is null. */
  object(value: unknown, where: string, known: readonly string[] | null): Parts {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.wrong(where, 'must be a set of keys and values');
    }
    for (const key of Object.keys(value)) {
      if (known !== null && !known.includes(key)) {
        throw this.wrong(where === '' ? key : `${where}.${key}`, `is not known${didYouMean(key, known)}`);
      }
    }
    return value as Parts;
  }

  text(value: unknown, where: string): string {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw this.wrong(where, 'must be a text');
  }

  texts(value: unknown, where: string): string[] {
    if (!Array.isArray(value)) throw this.wrong(where, 'must be a list');
    return value.map((item) => this.text(item, where));
  }

  oneOf<const T extends readonly string[]>(value: unknown, where: string, known: T): T[number] {
    const found = known.find((one) => one === value);
    if (found !== undefined) return found;
    const near = typeof value === 'string' ? didYouMean(value, known) : '';
    throw this.wrong(where, `must be one of ${known.join(' ')}${near}`);
  }

  duration(value: unknown, where: string): number {
    const match = typeof value === 'string' ? DURATION.exec(value) : null;
    if (match === null) throw this.wrong(where, 'must be a number of s, m, h or d, like 7d');
    return Number(match[1]) * (UNIT_MICROS[match[2] ?? 's'] ?? 0);
  }
}
