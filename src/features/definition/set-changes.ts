import { canonicalJson } from '../../base/canonical-json.ts';
import { durationMicros } from '../duration.ts';
import { changedValues, inputsOf, TOLD_MEMBERS } from './changed-values.ts';
import type { FeatureDefinition, FeatureSetDefinition } from './definition.ts';
import { keptOtherwise, reachMicros } from './kept-events.ts';

/** One member that is not what it was; undefined where it is not there. */
export interface MemberChange {
  readonly member: string;
  readonly was: unknown;
  readonly is: unknown;
}

/** A feature of both sets that says other things, or is computed of such. */
export interface FeatureChange {
  readonly name: string;
  readonly members: readonly MemberChange[];
  /** Names in its expression that have other values now, or mean a feature now and a column before, or the other way. */
  readonly inputs: readonly string[];
  /** Whether its entities keep other events than they did, or narrower or wider tiles, for the sake of other features. */
  readonly isKeptOtherwise: boolean;
  /** Whether its values may be others: not where only what is told of it to people changed. */
  readonly changesValues: boolean;
}

/** What no state of the set before has in it. */
export interface Backfill {
  /** Features whose windows or labels are new, or other than they were. */
  readonly features: readonly string[];
  /** Days of silver that they reach back, with the allowed lateness; null where they reach back to its beginning. */
  readonly days: number | null;
}

/** What a change of a set does. */
export interface SetChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly FeatureChange[];
  /** Of the set itself. */
  readonly head: readonly MemberChange[];
  /** Whether features that stay stand in another order: vectors are then others. */
  readonly isReordered: boolean;
  /** Whether everything that was there keeps its values: whoever reads it by name may go on. */
  readonly isCompatible: boolean;
  /** Null where there is no such. */
  readonly backfill: Backfill | null;
}

const MICROS_OF_DAY = 86_400_000_000;

/**
 * Compares two versions of a set.
 *
 * @param before null where there is none: then everything is new.
 * @throws ExpressionError `feature_invalid` where an expression of the new one cannot be read.
 */
export function compareSets(before: FeatureSetDefinition | null, after: FeatureSetDefinition): SetChanges {
  const was = new Map((before?.features ?? []).map((feature) => [feature.name, feature]));
  const is = new Map(after.features.map((feature) => [feature.name, feature]));
  const added = [...is.keys()].filter((name) => !was.has(name));
  const removed = [...was.keys()].filter((name) => !is.has(name));
  // A change of the head is one of all features, and told as that.
  const beforeHead = { ...after, features: before?.features ?? [] };
  const others = changedValues(beforeHead, after);
  const isOtherwise = keptOtherwise(beforeHead, after);
  const changed = [...is.values()].flatMap((feature): FeatureChange[] => {
    const old = was.get(feature.name);
    if (old === undefined) return [];
    const members = memberChanges(old, feature);
    const inputs = inputsOf(feature).filter((name) => others.has(name));
    const isKeptOtherwise = isOtherwise(feature);
    const changesValues =
      isKeptOtherwise || inputs.length > 0 || members.some(({ member }) => !TOLD_MEMBERS.includes(member));
    if (members.length + inputs.length === 0 && !isKeptOtherwise) return [];
    return [{ name: feature.name, members, inputs, isKeptOtherwise, changesValues }];
  });
  const { features: _, ...head } = after;
  const { features: __, ...headBefore } = before ?? after;
  const headChanges = memberChanges(headBefore, head);
  const keptBefore = [...was.keys()].filter((name) => is.has(name));
  const keptAfter = [...is.keys()].filter((name) => was.has(name));
  const isReordered = keptBefore.some((name, at) => keptAfter[at] !== name);
  const wider = headChanges.some(({ member }) => !TOLD_MEMBERS.includes(member));
  const renewed = wider
    ? after.features
    : after.features.filter(
        ({ name }) => added.includes(name) || changed.some((one) => one.name === name && one.changesValues),
      );
  return {
    added,
    removed,
    changed,
    head: headChanges,
    isReordered,
    isCompatible: removed.length === 0 && !isReordered && !wider && !changed.some(({ changesValues }) => changesValues),
    backfill: backfillOf(renewed, after),
  };
}

function memberChanges(was: object, is: object): MemberChange[] {
  const [before, after] = [new Map(Object.entries(was)), new Map(Object.entries(is))];
  const members = new Set([...before.keys(), ...after.keys()]);
  return [...members].flatMap((member): MemberChange[] => {
    const change = { member, was: before.get(member), is: after.get(member) };
    return canonicalJson(change.was ?? null) === canonicalJson(change.is ?? null) ? [] : [change];
  });
}

/** Expressions are computed when they are asked for; windows and labels need state. */
function backfillOf(features: readonly FeatureDefinition[], set: FeatureSetDefinition): Backfill | null {
  const stateful = features.filter(({ kind }) => kind !== 'expression');
  if (stateful.length === 0) return null;
  const reach = Math.max(...stateful.map(reachMicros)) + durationMicros(set.allowedLateness, set.name);
  return {
    features: stateful.map(({ name }) => name),
    days: Number.isFinite(reach) ? Math.ceil(reach / MICROS_OF_DAY) : null,
  };
}
