import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical-json.ts';
import { byKind, type EntityKind } from '../domain/entity-keys.ts';
import { COLD_SHAPE, type ColdShape } from './cold/cold-layout.ts';
import { type BoundExpression, bindExpressions, columnsRead } from './definition/bind-expressions.ts';
import type {
  Column,
  FeatureDefinition,
  FeatureSetDefinition,
  FeatureType,
  LabelFeature,
  WindowFeature,
} from './definition/definition.ts';
import { checkDefinition } from './definition/definition-check.ts';
import { narrowestType } from './definition/feature-type.ts';
import { durationMicros } from './duration.ts';
import { type OwnNumbers, ownNumbers } from './engine/own-numbers.ts';
import { type KindPlan, type Placed, planKind } from './engine/window-plan.ts';
import { compileCondition } from './expression/condition.ts';
import { sourceColumns } from './expression/derived-columns.ts';

/** A set of features that was checked and laid out. Immutable; every store and replay share it. */
export interface FeatureSet {
  readonly name: string;
  /** SHA-256 of the canonical form of the definition, hex. */
  readonly hash: string;
  /** Its first 12 digits: the version that decisions and exports carry. */
  readonly version: string;
  readonly definition: FeatureSetDefinition;
  /** Names in the order of the vector. */
  readonly names: readonly string[];
  /** What each one's values are. */
  readonly types: readonly FeatureType[];
  /** Events that an entity has in memory; all that it keeps where the set has a bound. */
  readonly bound: number;
  /** Labels that a payee keeps. */
  readonly labelBound: number;
  readonly latenessMicros: number;
  /** What happened longer before an entity's newest event than this is in no window. */
  readonly retentionMicros: number;
  readonly kinds: Readonly<Record<EntityKind, KindPlan>>;
  /** What a store keeps of each payment for its tiles. */
  readonly own: { readonly byKind: Readonly<Record<EntityKind, OwnNumbers>>; readonly count: number };
  /** Inputs first. */
  readonly expressions: readonly BoundExpression[];
  /** Default of each output where its entity was never seen; NaN where there is none. */
  readonly defaults: Float64Array;
  /** Columns of the payment that features read, in events of entities or of the payment that is scored. */
  readonly columns: readonly Column[];
  /** Place of a feature in the vector; −1 where there is none of the name. */
  indexOf(name: string): number;
}

/**
 * Checks and lays out a set.
 *
 * @param shape how events lie where the set has no bound; values do not depend on it.
 * @throws AppError `feature_invalid`.
 */
export function compileFeatureSet(definition: FeatureSetDefinition, shape: ColdShape = COLD_SHAPE): FeatureSet {
  checkDefinition(definition);
  const names = definition.features.map((feature) => feature.name);
  const places = new Map(names.map((name, output) => [name, output]));
  const indexOf = (name: string): number => places.get(name) ?? -1;
  const placed = <T extends FeatureDefinition>(kind: T['kind']): Placed<T>[] =>
    definition.features.flatMap((feature, output) =>
      feature.kind === kind ? [{ feature: feature as T, output }] : [],
    );
  const latenessMicros = durationMicros(definition.allowedLateness, definition.name);
  const rule = { bound: definition.bound, latenessMicros, shape };
  const windows = placed<WindowFeature>('window');
  const labels = placed<LabelFeature>('label');
  const plan = (kind: EntityKind): KindPlan =>
    planKind(
      kind,
      windows.filter((window) => window.feature.entity === kind),
      kind === 'payee' ? labels : [],
      rule,
    );
  const kinds = byKind(plan);
  const expressions = bindExpressions(definition.features);
  const hash = createHash('sha256').update(canonicalJson(definition)).digest('hex');
  return {
    name: definition.name,
    hash,
    version: hash.slice(0, 12),
    definition,
    names,
    types: typesOf(definition.features, expressions),
    bound: kinds.payer.keeping.bound,
    labelBound: kinds.payee.keeping.labelBound,
    latenessMicros,
    retentionMicros: Math.max(...Object.values(kinds).map((kind) => kind.keeping.retentionMicros)),
    kinds,
    own: ownNumbers(kinds),
    expressions,
    defaults: Float64Array.from(definition.features, (feature) =>
      // −0 is +0, as of every value.
      'default' in feature && feature.default !== undefined ? feature.default + 0 : Number.NaN,
    ),
    columns: [...new Set([...columnsRead(expressions), ...windows.flatMap(eventColumns)])],
    indexOf,
  };
}

function typesOf(features: readonly FeatureDefinition[], expressions: readonly BoundExpression[]): FeatureType[] {
  const bound = new Map(expressions.map(({ output, type }) => [output, type]));
  return features.map((feature, output) =>
    feature.kind === 'expression' ? (bound.get(output) ?? 'double') : (feature.type ?? narrowestType(feature)),
  );
}

function eventColumns({ feature }: Placed<WindowFeature>): readonly Column[] {
  const { column, filter, while: whole } = feature;
  const conditions = [filter, whole].flatMap((text) => (text === undefined ? [] : compileCondition(text).columns));
  return [...(column === undefined ? [] : sourceColumns([column])), ...conditions];
}
