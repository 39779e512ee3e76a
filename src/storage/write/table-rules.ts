import { AppError } from '../../base/errors.ts';
import { isJsonObject, parseExactJson } from '../../base/exact-json.ts';
import { bindExpression, bindPredicate, type Formula, parseExpression } from '../expression/expressions.ts';
import { isSupported } from '../log/table-features.ts';
import type { Snapshot } from '../scan/snapshot.ts';
import { type DeltaType, isNested, type StructField, structOf } from '../types/delta-type.ts';

/*
 * What a table asks of the rows that it takes (PROTOCOL.md, "Column Invariants", "CHECK Constraints",
 * "Generated Columns", "Default Columns", "Identity Columns"). Their texts are Spark SQL: one outside
 * our grammar refuses the write by its name, as a rule that is not understood cannot be kept.
 */

/** The rules of a table. */
export interface TableRules {
  readonly checks: readonly CheckRule[];
  /** Top-level columns, and fields of structs, that take no nulls. */
  readonly notNull: readonly (readonly string[])[];
  readonly generated: ReadonlyMap<string, Formula>;
  readonly defaults: ReadonlyMap<string, Formula>;
  readonly identities: ReadonlyMap<string, IdentityRule>;
}

/** A condition that every row must meet: null is not enough. */
export interface CheckRule {
  readonly name: string;
  readonly condition: Formula;
}

/** A column that numbers its rows. */
export interface IdentityRule {
  readonly column: string;
  readonly start: bigint;
  readonly step: bigint;
  /** The furthest number that was given; undefined where none was. */
  readonly highWaterMark: bigint | undefined;
  readonly allowsExplicit: boolean;
}

/** The rules of a table. @param nowMicros what `current_timestamp()` is. @throws AppError table_unsupported for one that is not understood. */
export function tableRules({ schema, metadata, protocol }: Snapshot, nowMicros: bigint): TableRules {
  const bound = { schema, now: nowMicros };
  const checks: CheckRule[] = [];
  for (const [key, text] of Object.entries(metadata.configuration)) {
    const prefix = 'delta.constraints.';
    if (key.startsWith(prefix)) checks.push(checkRule(key.slice(prefix.length), text, bound));
  }
  const generated = new Map<string, Formula>();
  const defaults = new Map<string, Formula>();
  const identities = new Map<string, IdentityRule>();
  for (const item of schema.fields) {
    const { name, type, metadata: own } = item;
    const invariant = own['delta.invariants'];
    if (typeof invariant === 'string')
      checks.push(checkRule(`invariant of ${name}`, invariantText(name, invariant), bound));
    const generation = own['delta.generationExpression'];
    if (typeof generation === 'string' && isSupported(protocol, 'generatedColumns')) {
      generated.set(name, valueRule(`The generation expression of ${name}`, generation, type, bound));
    }
    const fallback = own.CURRENT_DEFAULT;
    if (typeof fallback === 'string' && isSupported(protocol, 'allowColumnDefaults')) {
      defaults.set(name, valueRule(`The default of ${name}`, fallback, type, { ...bound, schema: structOf([]) }));
    }
    const identity = identityRule(item);
    if (identity !== undefined && isSupported(protocol, 'identityColumns')) identities.set(name, identity);
  }
  return { checks, notNull: notNullPaths(schema.fields, []), generated, defaults, identities };
}

/** Whether there is nothing to do but what a writer of the schema does anyway. */
export function isWithoutRules({ checks, generated, defaults, identities }: TableRules): boolean {
  return checks.length === 0 && generated.size === 0 && defaults.size === 0 && identities.size === 0;
}

/** The error of a row that breaks a rule. Its values are not told: they may be personal. @param rule `the constraint x of t`. */
export function ruleBroken(rule: string): AppError {
  return new AppError('constraint_violated', `A row breaks ${rule}: nothing was written`, { rule });
}

interface Binding {
  readonly schema: Snapshot['schema'];
  readonly now: bigint;
}

function checkRule(name: string, text: string, { schema, now }: Binding): CheckRule {
  const origin = { code: 'table_unsupported', what: `The constraint ${name}` } as const;
  return { name, condition: bindPredicate(parseExpression(text, origin), schema, { origin, now }) };
}

function valueRule(what: string, text: string, type: DeltaType, { schema, now }: Binding): Formula {
  const origin = { code: 'table_unsupported', what } as const;
  return bindExpression(parseExpression(text, origin), schema, type, { origin, now });
}

/** `{"expression":{"expression":"x > 3"}}`. */
function invariantText(column: string, json: string): string {
  try {
    const outer = parseExactJson(json);
    const inner = isJsonObject(outer) ? outer.expression : undefined;
    const text = isJsonObject(inner) ? inner.expression : undefined;
    if (typeof text === 'string') return text;
  } catch {
    // Told below.
  }
  throw new AppError('table_unsupported', `The invariant of ${column} is of a form that is not known`, { column });
}

function identityRule({ name, metadata }: StructField): IdentityRule | undefined {
  const integer = (key: string): bigint | undefined => {
    const value = metadata[`delta.identity.${key}`];
    return typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : undefined;
  };
  const [start, step] = [integer('start'), integer('step')];
  if (start === undefined || step === undefined) return undefined;
  return {
    column: name,
    start,
    step,
    highWaterMark: integer('highWaterMark'),
    allowsExplicit: metadata['delta.identity.allowExplicitInsert'] === true,
  };
}

function notNullPaths(fields: readonly StructField[], before: readonly string[]): (readonly string[])[] {
  return fields.flatMap(({ name, type, nullable }) => {
    const path = [...before, name];
    const inner = isNested(type) && type.type === 'struct' ? notNullPaths(type.fields, path) : [];
    return nullable ? inner : [path, ...inner];
  });
}
