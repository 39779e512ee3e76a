import { ENTITY_KINDS, type EntityKind, KEY_COLUMNS } from '../../domain/entity-keys.ts';
import { PAYMENT_COLUMNS } from '../../domain/payment-row.ts';
import { columnsRead } from '../../features/definition/bind-expressions.ts';
import { STATUS_SUFFIX } from '../../features/definition/reserved-names.ts';
import type { EventSlot } from '../../features/engine/event-layout.ts';
import { outputsOfKind } from '../../features/engine/history-block.ts';
import { sourceColumns } from '../../features/expression/derived-columns.ts';
import type { FeatureSet } from '../../features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../../features/feature-status.ts';
import type { ReadVersions } from '../source-snapshots.ts';
import { SPARK_PROTOCOL, SPARK_TASK_KEY, type SparkTaskBase } from './spark-task.ts';

/** A column of silver.transactions, with its type in Delta's words. */
export interface SparkColumn {
  readonly name: string;
  readonly type: string;
}

/** What Spark is to do for a set: which columns go to which stage, and what comes back. */
export interface SparkPlan {
  readonly taskKey: string;
  readonly task: SparkTaskBase;
  /** Every kind of entity; a payment's own part of the second stage has the place behind the last. */
  readonly entityKinds: readonly EntityKind[];
  /** Versions at which the tables belong together; null where no lake was looked at. */
  readonly versions: ReadVersions | null;
  /** Kinds of entity with features, by their places in what is sent, and the columns that make their keys. */
  readonly kinds: readonly { readonly kind: EntityKind; readonly place: number; readonly keys: readonly string[] }[];
  /** Whether features read labels. */
  readonly labels: boolean;
  /** Columns of payments that events of entities are made from. */
  readonly eventColumns: readonly SparkColumn[];
  /** Columns of payments that expressions read. */
  readonly vectorColumns: readonly SparkColumn[];
  readonly statusSuffix: string;
  /** Statuses that a feature may have. */
  readonly statusNames: readonly string[];
}

/** Columns that are sent anyway. */
const KEYS: readonly string[] = ['end_to_end_id', 'side', 'event_time'];

/** What Spark is to do. @param features names of those that are answered. */
export function sparkPlan(set: FeatureSet, features: readonly string[], versions: ReadVersions | null): SparkPlan {
  return {
    taskKey: SPARK_TASK_KEY,
    task: {
      protocol: SPARK_PROTOCOL,
      featureSet: { name: set.name, version: set.version },
      definition: set.definition,
      features,
    },
    entityKinds: ENTITY_KINDS,
    versions,
    kinds: ENTITY_KINDS.flatMap((kind, place) => (hasFeatures(set, kind) ? [{ kind, place, keys: keysOf(kind) }] : [])),
    labels: set.kinds.payee.labelOutputs.length > 0,
    eventColumns: eventColumns(set),
    vectorColumns: named(columnsRead(set.expressions)),
    statusSuffix: STATUS_SUFFIX,
    statusNames: FEATURE_STATUS_NAMES,
  };
}

/** Columns of payments that events of entities are made from. */
export function eventColumns(set: FeatureSet): readonly SparkColumn[] {
  const slots = ENTITY_KINDS.filter((kind) => hasFeatures(set, kind)).flatMap((kind) => set.kinds[kind].layout.slots);
  return named(slots.flatMap(columnsOfSlot));
}

function columnsOfSlot(slot: EventSlot): readonly string[] {
  return slot.kind === 'conditions' ? slot.conditions.flatMap(({ columns }) => columns) : sourceColumns([slot.column]);
}

function named(names: readonly string[]): readonly SparkColumn[] {
  return PAYMENT_COLUMNS.filter(({ name }) => names.includes(name) && !KEYS.includes(name)).map(({ name, type }) => ({
    name,
    type,
  }));
}

function hasFeatures({ kinds }: FeatureSet, kind: EntityKind): boolean {
  return outputsOfKind(kinds[kind]).length > 0;
}

function keysOf(kind: EntityKind): readonly string[] {
  return kind === 'pair' ? [KEY_COLUMNS.payer, KEY_COLUMNS.payee] : [KEY_COLUMNS[kind]];
}
