import { ENTITY_KINDS } from '../domain/entity-keys.ts';

/**
 * SQL: the epoch of a row's numbers, which is one for all its entities; 0 where it has none.
 *
 * @param prefixes what columns of numbers begin with, where a row has several of an entity.
 */
export function epochOfRow(prefixes: readonly string[] = ['']): string {
  return `coalesce(${epochColumns(prefixes).join(', ')}, 0)`;
}

/** The columns that {@link epochOfRow} reads. */
export function epochColumns(prefixes: readonly string[] = ['']): string[] {
  return prefixes.flatMap((prefix) => ENTITY_KINDS.map((kind) => `${prefix}${kind}_epoch`));
}
