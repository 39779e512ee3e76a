import { ENTITY_KINDS, type EntityKind } from '../../domain/entity-keys.ts';
import { type ColumnName, sourceColumns } from '../expression/derived-columns.ts';

/** The columns whose values together name an entity. */
const ENTITY_COLUMNS: Readonly<Record<EntityKind, readonly ColumnName[]>> = {
  payer: ['payer_account'],
  payee: ['payee_account'],
  pair: ['payer_account', 'payee_account'],
  payer_document: ['payer_document'],
  payee_document: ['payee_document'],
  pix_key: ['pix_key'],
  device: ['device_id'],
};

/** The kind of entity that some columns name, in whatever order; undefined where they name none. */
export function entityOfColumns(columns: readonly string[]): EntityKind | undefined {
  return ENTITY_KINDS.find((kind) => {
    const keys = ENTITY_COLUMNS[kind];
    return isSame(columns, keys) || isSame(columns, sourceColumns(keys));
  });
}

/** What entities there are, for messages: each kind with the columns that name it. */
export function entityList(): string {
  return ENTITY_KINDS.map((kind) => `${kind} [${sourceColumns(ENTITY_COLUMNS[kind]).join(', ')}]`).join(', ');
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return (
    new Set(some).size === some.length && some.length === others.length && others.every((one) => some.includes(one))
  );
}
