import { type Document, isScalar, isSeq, type Node } from 'yaml';
import { AppError } from '../../base/errors.ts';
import { bindExpressions } from '../definition/bind-expressions.ts';
import type { FeatureDefinition, FeatureSetDefinition } from '../definition/definition.ts';
import { checkBound, checkFeature, checkName, checkSet } from '../definition/definition-check.ts';
import { DefinitionError } from '../definition/definition-fault.ts';
import { compileCondition } from '../expression/condition.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { compileFeatureSet } from '../feature-set.ts';
import { expressionPlace } from './expression-place.ts';
import { FEATURE_KEYS, FEATURE_KINDS, type FeatureKind, KEY_OF_MEMBER, readFeature } from './feature-reader.ts';
import type { FileFaults } from './file-faults.ts';
import { MemberReader } from './member-reader.ts';
import { type Members, YamlNodes } from './yaml-nodes.ts';

const NONE: ReadonlySet<string> = new Set();
const SET_KEYS = ['name', 'description', 'bound', 'allowed_lateness', 'features'] as const;

/** A feature of the file: its name is known even where the rest is wrong. */
interface FileFeature {
  readonly name: string;
  readonly kind: FeatureKind | undefined;
  readonly read: MemberReader;
  readonly feature: FeatureDefinition | undefined;
}

/** Reads the set of one document. What is wrong goes to the faults; what could be read with none is the set. */
export class SetReader {
  readonly #source: string;
  readonly #faults: FileFaults;
  readonly #nodes: YamlNodes;
  readonly #root: Node | null;

  constructor(source: string, document: Document, faults: FileFaults) {
    this.#source = source;
    this.#faults = faults;
    this.#nodes = new YamlNodes(document, faults);
    this.#root = this.#nodes.follow(document.contents);
  }

  /** The set; undefined where anything is wrong. */
  read(): FeatureSetDefinition | undefined {
    const members = this.#nodes.members(this.#root, 'a feature set');
    if (members === undefined) return undefined;
    const own = [...members.keys()].filter((key) => key.startsWith('x-'));
    const meant = this.#nodes.checkKeys(members, 'set', [...SET_KEYS, ...own]);
    const at = this.#nodes.placeOf(this.#root);
    const read = new MemberReader(this.#nodes, this.#faults, { what: 'set', at, members, meant });
    read.need(...SET_KEYS);
    const [name, description, bound] = [read.text('name'), read.text('description'), read.bound('bound')];
    const allowedLateness = read.duration('allowed_lateness');
    const features = this.#features(read);
    const isWhole = name !== undefined && bound !== undefined && allowedLateness !== undefined;
    if (isWhole) this.#try(read, () => checkSet({ name, bound, allowedLateness }));
    this.#checkNames(features);
    for (const { feature, read: of } of features) if (feature !== undefined) this.#check(feature, of, bound);
    this.#bind(features);
    if (this.#faults.count > 0 || !isWhole || description === undefined) return undefined;
    const definition: FeatureSetDefinition = {
      name,
      description: description.trim(),
      bound,
      allowedLateness,
      features: features.flatMap(({ feature }) => feature ?? []),
    };
    // What only the layout of all features together can say.
    this.#try(read, () => compileFeatureSet(definition), features);
    return definition;
  }

  #features(set: MemberReader): FileFeature[] {
    const list = set.nodeOf('features');
    if (!set.has('features')) return [];
    if (!isSeq(list) || list.items.length === 0) {
      set.fault(set.placeOf('features'), 'features must be a list of at least one');
      return [];
    }
    return list.items.map((item, at) => this.#feature(this.#nodes.follow(item), at)).filter((found) => found !== null);
  }

  #feature(node: Node | null, at: number): FileFeature | null {
    const members = this.#nodes.members(node, `feature ${at + 1}`);
    if (members === undefined) return null;
    const name = textOf(members, 'name') ?? '';
    const what = name === '' ? `feature ${at + 1}` : `feature '${name}'`;
    const before = this.#faults.count;
    const kind = kindOf(members);
    const meant = kind === undefined ? NONE : this.#nodes.checkKeys(members, what, FEATURE_KEYS[kind]);
    const read = new MemberReader(this.#nodes, this.#faults, { what, at: this.#nodes.placeOf(node), members, meant });
    read.oneOf('kind', FEATURE_KINDS);
    // Of an unknown kind nobody knows the members.
    const feature = kind === undefined ? undefined : readFeature(kind, read);
    return { name, kind, read, feature: this.#faults.count > before ? undefined : feature };
  }

  #checkNames(features: readonly FileFeature[]): void {
    const places = new Map<string, number>();
    for (const { name, read } of features) {
      if (name === '') continue;
      const first = places.get(name);
      if (first === undefined) places.set(name, read.placeOf('name'));
      else {
        const line = this.#faults.lineOf(first);
        read.fault(read.placeOf('name'), `there is a feature of this name in line ${line} already`);
      }
      this.#try(read, () => checkName(name));
    }
  }

  #check(feature: FeatureDefinition, read: MemberReader, bound: FeatureSetDefinition['bound'] | undefined): void {
    this.#try(read, () => {
      checkFeature(feature);
      if (bound !== undefined) checkBound(feature, bound);
    });
    if (feature.kind !== 'window') return;
    for (const key of ['filter', 'while'] as const) {
      const text = feature[key];
      if (text !== undefined) this.#try(read, () => compileCondition(text, read.what), [], { key, text });
    }
  }

  /** Features that are wrong keep their names, so that expressions that need them are not told to be wrong as well. */
  #bind(features: readonly FileFeature[]): void {
    const distinct = new Map(features.map((entry) => [entry.name, entry]));
    const known = [...distinct.values()].map(
      ({ name, kind = 'expression', feature }) =>
        feature ?? { name, kind: kind === 'expression' ? ('unread' as const) : kind },
    );
    bindExpressions(known, (error, { name, expression }) => {
      const read = distinct.get(name)?.read;
      if (read !== undefined) this.#expressionFault(error, read, 'expression', expression);
    });
  }

  /** Runs a check; what it throws becomes a fault at the member that it names. */
  #try(
    read: MemberReader,
    check: () => unknown,
    features: readonly FileFeature[] = [],
    condition?: { readonly key: string; readonly text: string },
  ): void {
    try {
      check();
    } catch (error) {
      if (error instanceof ExpressionError && condition !== undefined) {
        this.#expressionFault(error, read, condition.key, condition.text);
      } else if (error instanceof DefinitionError) {
        const of = features.find(({ name }) => name === error.context.feature)?.read ?? read;
        const member = error.member ?? '';
        const problem = error.problem.replaceAll(
          /halfLife|timeToLive|allowedLateness/g,
          (name) => KEY_OF_MEMBER[name] ?? name,
        );
        of.fault(of.placeOf(KEY_OF_MEMBER[member] ?? member), problem);
      } else if (error instanceof AppError) read.fault(read.placeOf(''), error.message);
      else throw error;
    }
  }

  #expressionFault(error: ExpressionError, read: MemberReader, key: string, text: string): void {
    const place = expressionPlace(this.#source, read.nodeOf(key), text, error.position);
    read.fault(place, `${error.problem} at character ${error.position} of ${key}`);
  }
}

/** The kind that a feature says, or that its keys say; undefined where it says one that there is not. */
function kindOf(members: Members): FeatureKind | undefined {
  if (members.has('kind')) return FEATURE_KINDS.find((known) => known === textOf(members, 'kind'));
  if (members.has('expression')) return 'expression';
  return members.has('states') ? 'label' : 'window';
}

function textOf(members: Members, key: string): string | undefined {
  const node = members.get(key)?.value;
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}
