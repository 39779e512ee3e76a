import {
  BRONZE_CORRECTIONS,
  BRONZE_DECISIONS,
  BRONZE_EPOCHS,
  BRONZE_LABELS,
  BRONZE_SEQUENCES,
  BRONZE_TRANSACTIONS,
} from '../governance/contracts/bronze.ts';
import {
  GOLD_DAILY_PAYMENTS,
  GOLD_FRAUD_DAILY,
  GOLD_FRAUD_MONTHLY,
  GOLD_MONTHLY_PAYMENTS,
} from '../governance/contracts/gold.ts';
import {
  QUARANTINE_CORRECTIONS,
  QUARANTINE_LABELS,
  QUARANTINE_TRANSACTIONS,
} from '../governance/contracts/quarantine.ts';
import {
  SILVER_CORRECTIONS,
  SILVER_DECISIONS,
  SILVER_EPOCHS,
  SILVER_LABELS,
  SILVER_TRANSACTIONS,
} from '../governance/contracts/silver.ts';
import { definitionOf, type TableContract } from '../governance/contracts/table-contract.ts';
import type { ObjectStore } from '../storage/store/object-store.ts';
import { type DeltaTable, openOrCreateTable, openTable, type TableEnvironment } from '../storage/table.ts';
import { findField, type StructField } from '../storage/types/delta-type.ts';

/** Every table of the lake, bottom layer first. */
export const LAKE_TABLES = {
  'bronze/transactions': BRONZE_TRANSACTIONS,
  'bronze/decisions': BRONZE_DECISIONS,
  'bronze/labels': BRONZE_LABELS,
  'bronze/corrections': BRONZE_CORRECTIONS,
  'bronze/sequences': BRONZE_SEQUENCES,
  'bronze/epochs': BRONZE_EPOCHS,
  'quarantine/transactions': QUARANTINE_TRANSACTIONS,
  'quarantine/labels': QUARANTINE_LABELS,
  'quarantine/corrections': QUARANTINE_CORRECTIONS,
  'silver/transactions': SILVER_TRANSACTIONS,
  'silver/decisions': SILVER_DECISIONS,
  'silver/labels': SILVER_LABELS,
  'silver/corrections': SILVER_CORRECTIONS,
  'silver/epochs': SILVER_EPOCHS,
  'gold/daily_payments': GOLD_DAILY_PAYMENTS,
  'gold/fraud_daily': GOLD_FRAUD_DAILY,
  'gold/monthly_payments': GOLD_MONTHLY_PAYMENTS,
  'gold/fraud_monthly': GOLD_FRAUD_MONTHLY,
} as const satisfies Record<string, TableContract>;

/** The path of a table of the lake. */
export type LakeTableName = keyof typeof LAKE_TABLES;

/** The lake's tables, opened. */
export interface Lake {
  readonly store: ObjectStore;
  table(name: LakeTableName): DeltaTable;
}

/**
 * Opens the lake in a store (`$SENTINELA_DATA_DIR/lake`) and creates the tables that it lacks. Any number of
 * processes may do so at once.
 */
export async function ensureLake(store: ObjectStore, environment: TableEnvironment): Promise<Lake> {
  for (const contract of Object.values(LAKE_TABLES)) {
    await openOrCreateTable(store, definitionOf(contract), environment);
  }
  const lake = openLake(store, environment);
  for (const name of GROWN_TABLES) await addMissingColumns(lake, name);
  return lake;
}

/** Tables that came to have more columns than the first program that made them knew. */
const GROWN_TABLES = ['bronze/corrections', 'silver/corrections'] as const satisfies readonly LakeTableName[];

async function addMissingColumns(lake: Lake, name: LakeTableName): Promise<void> {
  const { schema } = definitionOf(LAKE_TABLES[name]);
  const missing = async (): Promise<StructField[]> => {
    const there = (await lake.table(name).snapshot()).schema;
    return schema.fields.filter((field) => field.nullable && findField(there, field.name) === undefined);
  };
  const fields = await missing();
  if (fields.length === 0) return;
  try {
    await lake.table(name).alter.addColumns(fields);
  } catch (error) {
    // Another process has added them since.
    if ((await missing()).length > 0) throw error;
  }
}

/** Opens the lake as it is; a table that is not there fails when it is read. */
export function openLake(store: ObjectStore, environment: TableEnvironment): Lake {
  const tables = new Map<LakeTableName, DeltaTable>();
  return {
    store,
    table(name) {
      const table = tables.get(name) ?? openTable(store, name, environment);
      tables.set(name, table);
      return table;
    },
  };
}
