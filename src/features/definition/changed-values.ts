import { canonicalJson } from '../../base/canonical-json.ts';
import { parseExpression } from '../expression/parse-expression.ts';
import { namesOf } from '../expression/syntax.ts';
import type { FeatureDefinition, FeatureSetDefinition } from './definition.ts';
import { keptOtherwise } from './kept-events.ts';

/** Members of a definition that say nothing about values. */
export const TOLD_MEMBERS: readonly string[] = ['description', 'owner', 'tags', 'personal', 'type', 'source'];

/**
 * Features that only one of two sets has, or that may have other values in the one than in the other: their own
 * definition differs, or what an entity keeps, or a feature that their expression names.
 *
 * A name of an expression is a feature where the set has one, and else a column. So an expression changes as well where
 * a feature of a column's name comes or goes.
 *
 * @throws ExpressionError `feature_invalid` where an expression of the second set cannot be read.
 */
export function changedValues(before: FeatureSetDefinition, after: FeatureSetDefinition): ReadonlySet<string> {
  const keepsOtherwise = before.bound !== after.bound || before.allowedLateness !== after.allowedLateness;
  const isOtherwise = keptOtherwise(before, after);
  const was = new Map(before.features.map((feature) => [feature.name, feature]));
  const changed = new Set(was.keys());
  for (const feature of after.features) {
    const old = was.get(feature.name);
    const isOther = old === undefined || valueText(old) !== valueText(feature) || isOtherwise(feature);
    if (isOther || (keepsOtherwise && feature.kind !== 'expression')) changed.add(feature.name);
    else changed.delete(feature.name);
  }
  const inputs = after.features.map((feature) => ({ name: feature.name, inputs: inputsOf(feature) }));
  // An expression may name one that stands behind it.
  for (let size = -1; size !== changed.size; ) {
    size = changed.size;
    for (const { name, inputs: named } of inputs) if (named.some((input) => changed.has(input))) changed.add(name);
  }
  return changed;
}

/**
 * The names in a feature's expression that mean features where the set has such, each once; none of another kind of
 * feature. Its own name means the column.
 *
 * @throws ExpressionError `feature_invalid` where it cannot be read.
 */
export function inputsOf(feature: FeatureDefinition): string[] {
  if (feature.kind !== 'expression') return [];
  const names = namesOf(parseExpression(feature.expression, `feature '${feature.name}'`)).map(({ name }) => name);
  return [...new Set(names)].filter((name) => name !== feature.name);
}

function valueText(feature: FeatureDefinition): string {
  return canonicalJson(
    Object.fromEntries(Object.entries(feature).filter(([member]) => !TOLD_MEMBERS.includes(member))),
  );
}
