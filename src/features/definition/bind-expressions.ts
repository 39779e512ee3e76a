import { LIMITS } from '../../base/limits.ts';
import { checkTypes, type NamedFeature } from '../expression/check-types.ts';
import { isColumnName, sourceColumns } from '../expression/derived-columns.ts';
import { ExpressionError } from '../expression/expression-error.ts';
import { parseExpression } from '../expression/parse-expression.ts';
import { namesOf, nodesOf, type Syntax } from '../expression/syntax.ts';
import { columnsOf, type TypedExpression } from '../expression/typed-expression.ts';
import type { Column, ExpressionFeature, FeatureType } from './definition.ts';
import { FEATURE_TYPES, isWithin } from './feature-type.ts';

/** An expression with its place in the vector. */
export interface BoundExpression {
  readonly output: number;
  /** What its values are. */
  readonly type: FeatureType;
  readonly expression: TypedExpression;
}

/** What others know of a feature that is no expression. */
export interface NamedOnly {
  /** `unread`: a feature of a file whose kind or expression could not be read, so that nobody knows its type. */
  readonly kind: 'window' | 'label' | 'unread';
  readonly name: string;
}

/** What a vector holds, as messages name it. */
const VECTOR_TYPES = FEATURE_TYPES.toReversed();

interface Parsed {
  readonly feature: ExpressionFeature;
  readonly syntax: Syntax;
}

/** Is told of a wrong expression of a feature; where it returns, the others are read nevertheless. */
export type OnExpressionFault = (error: ExpressionError, feature: ExpressionFeature) => void;

/**
 * Reads, orders and types the expressions of a set: inputs come first.
 *
 * @param features of the set, in the order of the vector; their names are distinct.
 * @param onFault throws the fault unless told otherwise. An expression that needs a wrong or unread one is then left out
 * unsaid, for nobody knows its types, unless it names what there is not.
 * @throws ExpressionError `feature_invalid` that names the feature, what is wrong and where.
 */
export function bindExpressions(
  features: readonly (ExpressionFeature | NamedOnly)[],
  onFault: OnExpressionFault = (error) => {
    throw error;
  },
): BoundExpression[] {
  const wrong = new Set<string>();
  const report = (feature: ExpressionFeature, error: unknown): void => {
    if (!(error instanceof ExpressionError)) throw error;
    wrong.add(feature.name);
    onFault(error, feature);
  };
  const parsed = new Map<string, Parsed>();
  const known = new Map<string, NamedFeature>();
  let nodes = 0;
  for (const [output, feature] of features.entries()) {
    // What entities give is a number; the type of an expression is known when its inputs' are.
    known.set(feature.name, { output, type: 'double' });
    if (feature.kind === 'unread') wrong.add(feature.name);
    if (feature.kind !== 'expression') continue;
    try {
      const syntax = parseExpression(feature.expression, subjectOf(feature));
      nodes += nodesOf(syntax);
      if (nodes > LIMITS.expressionNodesOfSet) refuseSize(feature);
      parsed.set(feature.name, { feature, syntax });
    } catch (error) {
      report(feature, error);
    }
  }
  const bound: BoundExpression[] = [];
  for (const { feature, syntax } of orderByNeed(parsed, report)) {
    const { name, expression } = feature;
    const scope = { subject: subjectOf(feature), own: name, features: known, gives: VECTOR_TYPES };
    if (wrong.has(name)) continue;
    const inputs = namesOf(syntax).map((input) => input.name);
    const isUnknown = inputs.some((input) => !known.has(input) && !isColumnName(input));
    if (!isUnknown && inputs.some((input) => input !== name && wrong.has(input))) {
      wrong.add(name);
      continue;
    }
    try {
      const typed = checkTypes(syntax, expression, scope);
      const output = known.get(name)?.output ?? -1;
      known.set(name, { output, type: typed.type });
      bound.push({ output, type: typeOf(feature, typed), expression: typed });
    } catch (error) {
      report(feature, error);
    }
  }
  return bound;
}

/** The payment's columns that expressions read, beside the event time, each once. */
export function columnsRead(expressions: readonly BoundExpression[]): Column[] {
  const columns = new Set(expressions.flatMap(({ expression }) => sourceColumns(columnsOf(expression))));
  columns.delete('event_time');
  return [...columns];
}

/** Inputs first. Who closes a circle is reported. */
function orderByNeed(
  parsed: ReadonlyMap<string, Parsed>,
  report: (feature: ExpressionFeature, error: ExpressionError) => void,
): Parsed[] {
  const ordered = new Set<Parsed>();
  const visit = (entry: Parsed, path: readonly string[]): void => {
    if (ordered.has(entry)) return;
    const { feature, syntax } = entry;
    const way = [...path, feature.name];
    for (const { name, at } of namesOf(syntax)) {
      const input = name === feature.name ? undefined : parsed.get(name);
      if (input === undefined) continue;
      const from = way.indexOf(name);
      if (from !== -1) {
        const circle = [...way.slice(from), name].join(' → ');
        report(feature, new ExpressionError(subjectOf(feature), `it needs itself: ${circle}`, feature.expression, at));
        continue;
      }
      visit(input, way);
    }
    ordered.add(entry);
  };
  for (const entry of parsed.values()) visit(entry, []);
  return [...ordered];
}

/** The type that it says, else its own. */
function typeOf(feature: ExpressionFeature, typed: TypedExpression): FeatureType {
  // `gives` lets no other type be an expression's.
  const own = typed.type as FeatureType;
  const { type = own, expression } = feature;
  if (isWithin(own, type)) return type;
  const problem = `its values are of the type ${own}, not ${type}, as its type says;`;
  throw new ExpressionError(subjectOf(feature), problem, expression, 1);
}

function refuseSize(feature: ExpressionFeature): never {
  const most = LIMITS.expressionNodesOfSet;
  const problem = `with it the expressions of the set have over ${most} operations and operands, the most that a payment has time for;`;
  throw new ExpressionError(subjectOf(feature), problem, feature.expression, 1);
}

function subjectOf({ name }: ExpressionFeature): string {
  return `feature '${name}'`;
}
