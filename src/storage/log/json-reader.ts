import { AppError } from '../../base/errors.ts';
import { type ExactJson, isJsonObject, type JsonObject } from '../../base/exact-json.ts';
import type { LogInteger, Tags } from './actions.ts';

/** How long a path may be: file systems take 4 KiB, and a URI of three bytes a byte thrice that. */
const MAX_PATH_LENGTH = 16 * 1024;

/** Reads the members of an action, each of the type that the specification gives it, or names what is wrong. */
export class JsonReader {
  readonly #members: JsonObject;
  readonly #name: string;

  /** @param name how an error names what is read. */
  constructor(members: JsonObject, name: string) {
    this.#members = members;
    this.#name = name;
  }

  text(member: string): string {
    return this.#required(member, this.optionalText(member));
  }

  optionalText(member: string): string | undefined {
    const value = this.#value(member);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw this.corrupt(`${member} is no text`);
    return value;
  }

  /** A text that names a file. */
  path(member: string): string {
    const path = this.text(member);
    if (path === '' || path.length > MAX_PATH_LENGTH) throw this.corrupt(`${member} has ${path.length} characters`);
    return path;
  }

  integer(member: string): LogInteger {
    return this.#required(member, this.optionalInteger(member));
  }

  /** An int64. */
  optionalInteger(member: string): LogInteger | undefined {
    const value = this.#value(member);
    if (value === undefined) return undefined;
    const isInteger = typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isInteger(value);
    if (!isInteger || (typeof value !== 'bigint' && typeof value !== 'number')) {
      throw this.corrupt(`${member} is no integer of 64 bits`);
    }
    return value;
  }

  count(member: string): number {
    return this.#required(member, this.optionalCount(member));
  }

  /** An integer from 0 on that a number holds. */
  optionalCount(member: string): number | undefined {
    const value = this.optionalInteger(member);
    if (value === undefined) return undefined;
    if (typeof value === 'bigint' || value < 0) throw this.corrupt(`${member} is out of range`);
    return value;
  }

  boolean(member: string, absent: boolean): boolean {
    const value = this.#value(member);
    if (value === undefined) return absent;
    if (typeof value !== 'boolean') throw this.corrupt(`${member} is no boolean`);
    return value;
  }

  /** An object of texts. */
  optionalTexts(member: string): Tags | undefined {
    const value = this.#value(member);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) throw this.corrupt(`${member} is no object`);
    for (const text of Object.values(value)) {
      if (text !== null && typeof text !== 'string') throw this.corrupt(`${member} holds what is no text`);
    }
    return value as Tags;
  }

  /** A list of texts. */
  optionalList(member: string): readonly string[] | undefined {
    const value = this.#value(member);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw this.corrupt(`${member} is no list`);
    return value.map((item: ExactJson) => {
      if (typeof item !== 'string') throw this.corrupt(`${member} holds what is no text`);
      return item;
    });
  }

  optionalObject(member: string): JsonReader | undefined {
    const value = this.#value(member);
    if (value === undefined) return undefined;
    if (!isJsonObject(value)) throw this.corrupt(`${member} is no object`);
    return new JsonReader(value, `${this.#name}.${member}`);
  }

  /** The error for what is wrong here. */
  corrupt(what: string): AppError {
    return new AppError('table_corrupt', `${this.#name}: ${what}`);
  }

  #value(member: string): ExactJson | undefined {
    const value = Object.hasOwn(this.#members, member) ? this.#members[member] : undefined;
    return value === null ? undefined : value;
  }

  #required<T>(member: string, value: T | undefined): T {
    if (value === undefined) throw this.corrupt(`${member} is missing`);
    return value;
  }
}
