import { isScalar, type Node, type Scalar } from 'yaml';
import { greatestDivisor } from '../../base/greatest-divisor.ts';
import { didYouMean, nearestName } from '../../base/nearest-name.ts';
import type { Duration, EventColumn, WindowLength } from '../definition/definition.ts';
import { isDuration } from '../duration.ts';
import { COLUMN_TYPES, isColumnName } from '../expression/derived-columns.ts';
import type { FileFaults } from './file-faults.ts';
import type { Members, YamlNodes } from './yaml-nodes.ts';

const OPEN_WINDOWS = ['all', 'civil_day', 'civil_month'] as const;

/**
 * Reads the members of one mapping. What is absent is undefined; what is of a wrong type is undefined too, and a fault
 * with its place, what is asked for and the nearest right name.
 */
export class MemberReader {
  /** Whose members they are, for messages. */
  readonly what: string;
  readonly #nodes: YamlNodes;
  readonly #faults: FileFaults;
  readonly #members: Members;
  readonly #at: number;

  readonly #meant: ReadonlySet<string>;

  /**
   * @param at where the mapping begins: what is missing is missing there.
   * @param meant what unknown keys most likely mean, so that it is not told to be missing as well.
   */
  constructor(
    nodes: YamlNodes,
    faults: FileFaults,
    { what, at, members, meant }: { what: string; at: number; members: Members; meant: ReadonlySet<string> },
  ) {
    this.#nodes = nodes;
    this.#faults = faults;
    this.what = what;
    this.#at = at;
    this.#members = members;
    this.#meant = meant;
  }

  has(key: string): boolean {
    return this.#members.has(key);
  }

  /** Where a member's value stands; where it is absent, the mapping. */
  placeOf(key: string): number {
    return this.#members.get(key)?.valueAt ?? this.#at;
  }

  /** The node of a member's value. */
  nodeOf(key: string): Node | null {
    return this.#members.get(key)?.value ?? null;
  }

  /** Says that a member must be there. */
  need(...keys: readonly string[]): void {
    for (const key of keys) {
      if (!this.has(key) && !this.#meant.has(key)) this.fault(this.#at, `${key} is missing`);
    }
  }

  text(key: string): string | undefined {
    return this.#scalar(key, 'a text', (value) => (typeof value === 'string' ? value : undefined));
  }

  /** An expression or a condition: white space around it has no meaning. */
  expression(key: string): string | undefined {
    return this.text(key)?.trim();
  }

  flag(key: string): boolean | undefined {
    return this.#scalar(key, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  number(key: string): number | undefined {
    return this.#scalar(key, 'a number', (value) =>
      typeof value === 'number' && Number.isFinite(value) ? value : undefined,
    );
  }

  integer(key: string): number | undefined {
    return this.#scalar(key, 'a whole number', (value) =>
      Number.isSafeInteger(value) ? (value as number) : undefined,
    );
  }

  /** How many events an entity keeps. */
  bound(key: string): number | 'none' | undefined {
    return this.#scalar(key, 'a whole number, or none', (value) =>
      value === 'none' || Number.isSafeInteger(value) ? (value as number | 'none') : undefined,
    );
  }

  duration(key: string): Duration | undefined {
    return this.#scalar(key, 'a whole number and s, m, h or d, such as 10m or 30d', (value) =>
      typeof value === 'string' && isDuration(value) ? value : undefined,
    );
  }

  window(key: string): WindowLength | undefined {
    const expected = `a whole number and s, m, h or d, such as 10m or 30d, or ${OPEN_WINDOWS.join(', ')}`;
    return this.#scalar(
      key,
      expected,
      (value) =>
        OPEN_WINDOWS.find((open) => open === value) ??
        (typeof value === 'string' && isDuration(value) ? value : undefined),
      OPEN_WINDOWS,
    );
  }

  oneOf<const T extends string>(key: string, known: readonly T[], noun = key): T | undefined {
    const text = this.text(key);
    if (text === undefined) return undefined;
    return this.#known(text, this.placeOf(key), known, noun);
  }

  column(key: string): EventColumn | undefined {
    const name = this.text(key);
    if (name === undefined || isColumnName(name)) return name;
    const problem = `there is no column '${name}'${didYouMean(name, COLUMN_TYPES.keys())}`;
    this.fault(this.placeOf(key), problem);
    return undefined;
  }

  /** A list of texts, or one text. */
  texts(key: string): readonly string[] | undefined {
    return this.#list(key, (text) => text);
  }

  /** A list of names that are known, or one. */
  names<const T extends string>(key: string, known: readonly T[], noun: string): readonly T[] | undefined {
    return this.#list(key, (text, at) => this.#known(text, at, known, noun));
  }

  /** Two whole numbers: `[9, 10]`, `9/10`, or a decimal fraction that is written out, `0.9`. */
  fraction(key: string): readonly [number, number] | undefined {
    const member = this.#members.get(key);
    if (member === undefined) return undefined;
    const { value } = member;
    const parts = isScalar(value) ? partsOfText(value) : this.#nodes.items(member, key)?.map(wholeOf);
    if (parts === undefined && !isScalar(value)) return undefined;
    const [numerator, denominator, ...rest] = parts ?? [];
    if (numerator !== undefined && denominator !== undefined && rest.length === 0) return [numerator, denominator];
    this.fault(member.valueAt, `${key} must be a fraction of whole numbers, such as 1/2, 0.9 or [9, 10]`);
    return undefined;
  }

  /** Says what is wrong at a place. */
  fault(at: number, problem: string): void {
    this.#faults.add(at, `${this.what}: ${problem}`);
  }

  #list<T>(key: string, read: (text: string, at: number) => T | undefined): readonly T[] | undefined {
    const member = this.#members.get(key);
    if (member === undefined) return undefined;
    const nodes = isScalar(member.value) ? [member.value] : this.#nodes.items(member, `${this.what}: ${key}`);
    const found: T[] = [];
    for (const node of nodes ?? []) {
      const text = isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
      const at = node === null ? member.valueAt : this.#nodes.placeOf(node);
      if (text === undefined) this.fault(at, `${key} must hold texts`);
      const item = text === undefined ? undefined : read(text, at);
      if (item === undefined) return undefined;
      found.push(item);
    }
    return nodes === undefined ? undefined : found;
  }

  #known<T extends string>(text: string, at: number, known: readonly T[], noun: string): T | undefined {
    const found = known.find((name) => name === text);
    if (found !== undefined) return found;
    const hint = nearestName(text, known) === undefined ? ` (${known.join(', ')})` : didYouMean(text, known);
    this.fault(at, `there is no ${noun} '${text}'${hint}`);
    return undefined;
  }

  #scalar<T>(
    key: string,
    expected: string,
    read: (value: unknown) => T | undefined,
    names: readonly string[] = [],
  ): T | undefined {
    const member = this.#members.get(key);
    if (member === undefined) return undefined;
    const { value, valueAt } = member;
    if (isScalar(value)) {
      const found = read(value.value);
      if (found !== undefined) return found;
    }
    const hint = isScalar(value) && typeof value.value === 'string' ? didYouMean(value.value, names) : '';
    this.fault(valueAt, `${key} must be ${expected}${shownOf(value)}${hint}`);
    return undefined;
  }
}

/** What stands there instead; texts may be long or personal, so only numbers and what looks like a name are shown. */
function shownOf(node: Node | null): string {
  if (!isScalar(node)) return node === null ? ', and nothing is written' : '';
  const { value, source } = node;
  if (value === null) return ', and nothing is written';
  if (typeof value === 'number' || typeof value === 'boolean') return `, not ${source ?? String(value)}`;
  return typeof value === 'string' && /^[\w.+-]{1,20}$/.test(value) ? `, not '${value}'` : '';
}

function wholeOf(node: Node | null): number | undefined {
  return isScalar(node) && Number.isSafeInteger(node.value) ? (node.value as number) : undefined;
}

/** `1/2`, or the digits of `0.9` as a fraction in its lowest terms. */
function partsOfText({ value, source }: Scalar): [number, number] | undefined {
  const slash = typeof value === 'string' ? /^(\d{1,9})\s*\/\s*(\d{1,9})$/.exec(value) : null;
  if (slash !== null) return [Number(slash[1]), Number(slash[2])];
  const point = typeof value === 'number' ? /^(\d?)\.(\d{1,9})$/.exec(source ?? '') : null;
  if (point === null) return value === 0 || value === 1 ? [value, 1] : undefined;
  const denominator = 10 ** (point[2] ?? '').length;
  const numerator = Number(`${point[1]}${point[2]}`);
  const divisor = greatestDivisor(numerator, denominator);
  return [numerator / divisor, denominator / divisor];
}
