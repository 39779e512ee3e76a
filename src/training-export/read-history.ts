import { AppError } from '../base/errors.ts';
import type { Side } from '../domain/payment.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { FEATURE_STATUS_NAMES } from '../features/feature-status.ts';
import { prepareReplay } from '../features/replay.ts';
import type { WrittenColumn } from '../storage/parquet/parquet-write.ts';
import { field, type StructType } from '../storage/types/delta-type.ts';
import { readsOf } from './silver-reads.ts';
import { readSilver, type SilverSource } from './silver-source.ts';
import type { SourceTables, SourceVersions } from './source-snapshots.ts';

/** One side of a payment. */
export interface PaymentSide {
  readonly endToEndId: string;
  readonly side: Side;
}

/** What is to be read: features as each payment had them when it was scored. */
export interface HistoryRequest {
  /** Rows of the answer, in its order. */
  readonly payments: readonly PaymentSide[];
  /** Names of the set's features, in the order of the answer. */
  readonly features: readonly string[];
  /** Whether a column `<feature>__status` stands behind each feature. */
  readonly withStatuses: boolean;
  readonly versions: SourceVersions;
}

/** Rows of the answer, column by column in the order of the schema. */
export interface HistoryPiece {
  readonly columns: readonly WrittenColumn[];
  readonly rows: number;
}

/** The answer: its form, and its rows piece by piece. */
export interface History {
  readonly schema: StructType;
  /** What the columns mean, and what was read, as JSON. */
  readonly dictionary: string;
  pieces(): Generator<HistoryPiece>;
}

/** Rows of a piece: 8 MB with 120 features. */
const PIECE_ROWS = 8192;

/**
 * Reads features of recorded payments again, through the replay of exports: each payment sees what its decision saw.
 *
 * @throws AppError `not_found` where silver does not hold a payment; as {@link readSilver}.
 */
export async function readHistory(tables: SourceTables, set: FeatureSet, request: HistoryRequest): Promise<History> {
  const source = await readSilver(tables, set, request.versions, { decisions: [] });
  const rows = rowsOf(source, request.payments);
  const schema = schemaOf(set, request);
  return {
    schema,
    dictionary: dictionaryOf(set, source, schema),
    *pieces() {
      const { payments, labels, epochs } = source;
      const replayed = prepareReplay(set, { payments, labels, epochs });
      for (let from = 0; from < rows.length; from += PIECE_ROWS) {
        const piece = rows.subarray(from, from + PIECE_ROWS);
        const { vector } = replayed(readsOf(source, piece));
        yield pieceOf(source, set, request, piece, vector);
      }
    },
  };
}

/** The row of each payment in silver. */
function rowsOf({ payments, sides, versions }: SilverSource, wanted: readonly PaymentSide[]): Int32Array {
  const places = new Map<string, number[]>();
  for (const [at, { endToEndId, side }] of wanted.entries()) {
    const key = `${endToEndId}/${side}`;
    places.set(key, [...(places.get(key) ?? []), at]);
  }
  const rows = new Int32Array(wanted.length).fill(-1);
  for (let row = 0; row < payments.count; row += 1) {
    for (const at of places.get(`${payments.ids[row]}/${sides[row]}`) ?? []) rows[at] = row;
  }
  const first = rows.indexOf(-1);
  if (first < 0) return rows;
  const missing = rows.filter((row) => row < 0).length;
  throw new AppError(
    'not_found',
    `${missing} of ${wanted.length} payments are not in silver.transactions@${versions['silver/transactions']}, the first in row ${first}: what was scored just now comes with the next run of bronze-to-silver`,
    { missing, row: first },
  );
}

function schemaOf({ definition }: FeatureSet, { features, withStatuses }: HistoryRequest): StructType {
  const meanings = new Map(definition.features.map(({ name, description }) => [name, description]));
  const described = (name: string, type: 'string' | 'timestamp' | 'double', comment: string) => ({
    ...field(name, type),
    metadata: { comment },
  });
  return {
    type: 'struct',
    fields: [
      described('end_to_end_id', 'string', 'The payment’s id'),
      described('side', 'string', 'Whose payment service asked: PAYER or PAYEE'),
      described('event_time', 'timestamp', 'When the payment was accepted'),
      ...features.flatMap((name) => [
        described(name, 'double', meanings.get(name) ?? ''),
        ...(withStatuses ? [described(`${name}__status`, 'string', `Why ${name} has a value, or has none`)] : []),
      ]),
    ],
  };
}

function dictionaryOf(set: FeatureSet, { versions }: SilverSource, { fields }: StructType): string {
  return JSON.stringify({
    featureSet: { name: set.name, version: set.version },
    tables: versions,
    columns: fields.map(({ name, type, metadata }) => ({ name, type, description: metadata.comment })),
  });
}

function pieceOf(
  { payments, sides }: SilverSource,
  set: FeatureSet,
  { features, withStatuses }: HistoryRequest,
  rows: Int32Array,
  vector: (read: number) => { readonly values: Float64Array; readonly status: Uint8Array },
): HistoryPiece {
  const places = features.map((name) => set.indexOf(name));
  const width = places.length;
  const floats = new Float64Array(rows.length * width);
  const statuses: string[][] = places.map(() => []);
  for (let read = 0; read < rows.length; read += 1) {
    const { values, status } = vector(read);
    for (const [at, place] of places.entries()) {
      floats[read * width + at] = values[place] as number;
      if (withStatuses) statuses[at]?.push(FEATURE_STATUS_NAMES[status[place] as number] ?? 'unknown');
    }
  }
  const listed = [...rows];
  return {
    rows: rows.length,
    columns: [
      listed.map((row) => payments.ids[row]),
      listed.map((row) => sides[row]),
      listed.map((row) => payments.times[row]),
      ...places.flatMap((_, at): WrittenColumn[] => [
        { floats, offset: at, stride: width },
        ...(withStatuses ? [statuses[at] ?? []] : []),
      ]),
    ],
  };
}
