import { type Document, isAlias, isMap, isNode, isPair, isScalar, isSeq, type Node, type Scalar, visit } from 'yaml';
import { LIMITS } from '../../base/limits.ts';
import { didYouMean, nearestName } from '../../base/nearest-name.ts';
import type { FileFaults } from './file-faults.ts';

/** A key with its value; aliases are followed. */
export interface Member {
  readonly key: string;
  readonly keyAt: number;
  /** Null where nothing is written. */
  readonly value: Node | null;
  readonly valueAt: number;
}

/** A set of keys and values, each key once. */
export type Members = ReadonlyMap<string, Member>;

/** What was merged on the way to a mapping. */
interface Merged {
  readonly above: readonly Node[];
  /** All that were taken apart, above or beside. */
  readonly done: Set<Node>;
}

/** Merge keys within merge keys: people write one. */
const MOST_MERGES = 8;

/** Walks the nodes of a document: follows aliases, takes `<<` apart, and says what has the wrong form. */
export class YamlNodes {
  readonly #anchored = new Map<Node, Node | undefined>();
  readonly #faults: FileFaults;

  constructor(document: Document, faults: FileFaults) {
    this.#faults = faults;
    const anchors = new Map<string, Node>();
    visit(document, {
      Node: (_key, node) => {
        if (isAlias(node)) this.#anchored.set(node, anchors.get(node.source));
        else if (node.anchor !== undefined) anchors.set(node.anchor, node);
      },
    });
    if (this.#anchored.size > LIMITS.definitionFileAliases) {
      faults.add(0, `there are ${this.#anchored.size} aliases; ${LIMITS.definitionFileAliases} is the limit`);
    }
  }

  /** Where a node begins, UTF-16 units from 0. */
  placeOf(node: Node | null): number {
    return node?.range?.[0] ?? 0;
  }

  /** The node itself, or what its alias names; null, and a fault, where there is no such anchor. */
  follow(given: unknown): Node | null {
    if (!isNode(given)) return null;
    if (!isAlias(given)) return given;
    const node = this.#anchored.get(given);
    if (node === undefined) this.#faults.add(this.placeOf(given), `there is no anchor &${given.source} before this`);
    return node ?? null;
  }

  /** The members of a mapping; undefined, and a fault, where it is none. @param what the mapping is of, for messages. */
  members(node: Node | null, what: string): Members | undefined {
    if (!isMap(node)) {
      this.#faults.add(this.placeOf(node), `${what} must be keys with values`);
      return undefined;
    }
    const members = new Map<string, Member>();
    this.#collect(node, members, what, { above: [], done: new Set() });
    return members;
  }

  /**
   * Says which keys are unknown.
   *
   * @param known the keys that may be there. @returns those that the unknown ones most likely mean.
   */
  checkKeys(members: Members, what: string, known: readonly string[]): ReadonlySet<string> {
    const meant = new Set<string>();
    for (const { key, keyAt } of members.values()) {
      if (known.includes(key)) continue;
      this.#faults.add(keyAt, `${what}: there is no key '${key}' here${didYouMean(key, known)}`);
      const near = nearestName(key, known);
      if (near !== undefined) meant.add(near);
    }
    return meant;
  }

  /** The items of a list; undefined, and a fault, where it is none. */
  items({ value, valueAt }: Member, what: string): readonly (Node | null)[] | undefined {
    if (isSeq(value)) return value.items.map((item) => this.follow(item));
    this.#faults.add(valueAt, `${what} must be a list`);
    return undefined;
  }

  /** Own keys come before merged ones, of which the first counts. */
  #collect(node: Node, members: Map<string, Member>, what: string, { above, done }: Merged): void {
    if (!isMap(node)) {
      this.#faults.add(this.placeOf(node), `${what}: << takes a mapping, or a list of them`);
      return;
    }
    if (above.includes(node)) {
      this.#faults.add(this.placeOf(node), `${what}: << takes the mapping that it is in`);
      return;
    }
    // Its keys are there; aliases of aliases would else be followed as often as there are ways to them.
    if (done.has(node)) return;
    done.add(node);
    const merged: unknown[] = [];
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key)) {
        this.#faults.add(this.placeOf(node), `${what}: a key must be a name`);
        continue;
      }
      const key = String((pair.key as Scalar).value);
      if (key === '<<') merged.push(pair.value);
      else if (!members.has(key)) {
        const value = this.follow(pair.value);
        const keyAt = this.placeOf(pair.key);
        members.set(key, { key, keyAt, value, valueAt: value === null ? keyAt : this.placeOf(value) });
      }
    }
    if (merged.length > 0 && above.length === MOST_MERGES) {
      this.#faults.add(this.placeOf(node), `${what}: << within << more than ${MOST_MERGES} times`);
      return;
    }
    for (const value of merged) {
      const from = this.follow(value);
      const parts = isSeq(from) ? from.items.map((item) => this.follow(item)) : [from];
      for (const part of parts)
        if (part !== null) this.#collect(part, members, what, { above: [...above, node], done });
    }
  }
}
