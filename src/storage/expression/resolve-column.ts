import { didYouMean } from '../../base/nearest-name.ts';
import { type DeltaType, isNested, type StructField, type StructType, typeName } from '../types/delta-type.ts';
import type { BoundColumn } from './bound-expression.ts';
import type { Refuse } from './match-types.ts';

/** A table that an expression names by an alias: `target` and `source` of a MERGE. */
export interface Relation {
  readonly alias: string;
  readonly schema: StructType;
}

/**
 * What the names of an expression may be: the columns of one schema, or those of relations, which
 * stand behind an alias (`t.id`) or, where one relation only has the name, alone.
 */
export type Scope = StructType | readonly Relation[];

/**
 * The column that a path means. A name that is written exactly wins; otherwise upper and lower case
 * are one, as in Spark. A first name that is an alias is one, unless only a column of that name leads
 * on: `source.id` may be the field of a struct `source`.
 *
 * @throws AppError by `refuse` for a name that is not there, that two columns share, or that leads
 *   into a type without fields.
 */
export function resolveColumn(path: readonly string[], scope: Scope, refuse: Refuse): BoundColumn {
  if (isSchema(scope)) return columnIn(scope, undefined, path, refuse);
  const [first = '', second] = path;
  const qualified = scope.find(({ alias }) => isSameName(alias, first));
  const holders = scope.filter(({ schema }) => hasColumn(schema, first));
  if (qualified !== undefined && second !== undefined) {
    if (holders.length === 0 || hasColumn(qualified.schema, second))
      return columnIn(qualified.schema, qualified.alias, path.slice(1), refuse);
  }
  const [holder, other] = holders;
  if (holder === undefined) throw refuse(unknownIn(scope, first));
  if (other !== undefined) throw refuse(`${first} may be ${holder.alias}.${first} or ${other.alias}.${first}`);
  return columnIn(holder.schema, holder.alias, path, refuse);
}

function isSchema(scope: Scope): scope is StructType {
  return !Array.isArray(scope);
}

function unknownIn(relations: readonly Relation[], name: string): string {
  const known = relations.flatMap(({ alias, schema }) => [alias, ...schema.fields.map((field) => field.name)]);
  return `${name} is no column of ${relations.map(({ alias }) => alias).join(' or ')}${didYouMean(name, known)}`;
}

function columnIn(
  schema: StructType,
  relation: string | undefined,
  path: readonly string[],
  refuse: Refuse,
): BoundColumn {
  let type: DeltaType = schema;
  const names: string[] = [];
  for (const name of path) {
    const field = fieldOf(type, name, names, refuse);
    names.push(field.name);
    type = field.type;
  }
  return { kind: 'column', type, relation, path: names };
}

function fieldOf(type: DeltaType, name: string, before: readonly string[], refuse: Refuse): StructField {
  if (!isNested(type) || type.type !== 'struct') {
    throw refuse(`${before.join('.')} is ${typeName(type)} and has no field ${name}`);
  }
  const exact = type.fields.find((field) => field.name === name);
  if (exact !== undefined) return exact;
  const [found, other] = type.fields.filter((field) => isSameName(field.name, name));
  if (found === undefined) {
    const where = before.length === 0 ? 'no column' : `no field in ${before.join('.')}`;
    const hint = didYouMean(
      name,
      type.fields.map((field) => field.name),
    );
    throw refuse(`${name} is ${where}${hint}`);
  }
  if (other !== undefined) throw refuse(`${name} may be ${found.name} or ${other.name}`);
  return found;
}

function hasColumn(schema: StructType, name: string): boolean {
  return schema.fields.some((field) => isSameName(field.name, name));
}

function isSameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
