import { AppError } from '../base/errors.ts';
import type { Side } from '../domain/payment.ts';
import { STATUS_SUFFIX } from '../features/definition/reserved-names.ts';
import type { FeatureOutput } from '../features/feature-output.ts';
import type { FeatureSet } from '../features/feature-set.ts';
import { type ReplayPorts, replayPieces } from '../features/replay/replay.ts';
import type { WrittenColumn } from '../storage/parquet/parquet-write.ts';
import { field, type StructType } from '../storage/types/delta-type.ts';
import { readsFor } from './export-rows.ts';
import { FeatureCells } from './feature-cells.ts';
import { readSilver, replayRecords, type SilverSource } from './silver-source.ts';
import type { SourceTables, SourceVersions } from './source-snapshots.ts';
import type { UserRows } from './user-rows.ts';
import { withUserRows } from './user-source.ts';

/** One side of a payment. */
export interface PaymentSide {
  readonly endToEndId: string;
  readonly side: Side;
}

/** Whose features are read, in the order of the answer. */
export type HistoryRows =
  /** Recorded payments, each with what its decision saw. */
  | { readonly kind: 'payments'; readonly payments: readonly PaymentSide[] }
  /** Rows of the user's own, each with what was known at its known time. */
  | { readonly kind: 'own'; readonly rows: UserRows };

/** What is to be read. */
export interface HistoryRequest {
  readonly of: HistoryRows;
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
  pieces(): AsyncGenerator<HistoryPiece>;
}

/** Rows of a piece: 8 MB with 120 features. */
const PIECE_ROWS = 8192;

/**
 * Reads features again, through the replay of exports.
 *
 * @param ports what features are computed with.
 * @throws AppError `not_found` where silver does not hold a payment; as {@link readSilver}.
 */
export async function readHistory(
  tables: SourceTables,
  set: FeatureSet,
  request: HistoryRequest,
  ports: ReplayPorts = {},
): Promise<History> {
  const silver = await readSilver(tables, set, request.versions, { decisions: [] });
  const source = request.of.kind === 'own' ? withUserRows(silver, request.of.rows) : silver;
  const rows = rowsOf(source, request.of);
  const keys = keyColumns(source, request.of.kind);
  const schema = schemaOf(set, request, keys);
  return {
    schema,
    dictionary: dictionaryOf(set, source, schema),
    async *pieces() {
      let done = 0;
      for await (const vectors of replayPieces(set, replayRecords(source), readsFor(source)(rows), ports)) {
        for (let at = 0; at < vectors.count; at += PIECE_ROWS) {
          const piece = rows.subarray(done + at, done + Math.min(at + PIECE_ROWS, vectors.count));
          yield pieceOf(set, request, keys, piece, (read) => vectors.vector(at + read));
        }
        done += vectors.count;
      }
    },
  };
}

/** The rows of the source that are read. */
function rowsOf(source: SilverSource, of: HistoryRows): Int32Array {
  if (of.kind === 'payments') return paymentRows(source, of.payments);
  const first = source.userRows?.first ?? 0;
  return Int32Array.from({ length: of.rows.count }, (_, at) => first + at);
}

/** The row of each payment in silver. */
function paymentRows({ payments, sides, versions }: SilverSource, wanted: readonly PaymentSide[]): Int32Array {
  const places = new Map<string, number[]>();
  for (const [at, { endToEndId, side }] of wanted.entries()) {
    const key = `${endToEndId}/${side}`;
    places.set(key, [...(places.get(key) ?? []), at]);
  }
  const rows = new Int32Array(wanted.length).fill(-1);
  for (let row = 0; row < payments.count; row += 1) {
    for (const at of places.get(`${payments.ids.at(row)}/${sides.at(row)}`) ?? []) rows[at] = row;
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

/** A column that says which row it is. */
interface KeyColumn {
  readonly name: string;
  readonly type: 'string' | 'timestamp' | 'long';
  readonly meaning: string;
  cell(row: number): unknown;
}

function keyColumns({ payments, sides, userRows }: SilverSource, kind: HistoryRows['kind']): readonly KeyColumn[] {
  const first = userRows?.first ?? 0;
  const time: KeyColumn = {
    name: 'event_time',
    type: 'timestamp',
    meaning: 'When it happened: the windows’ end',
    cell: (row) => payments.times[row],
  };
  if (kind === 'own') {
    return [
      { name: 'row', type: 'long', meaning: 'Number of the row, from 1', cell: (row) => row - first + 1 },
      time,
      {
        name: 'known_time',
        type: 'timestamp',
        meaning: 'What was known then is what the row sees',
        cell: (row) => payments.places.knownTimes[row],
      },
    ];
  }
  return [
    { name: 'end_to_end_id', type: 'string', meaning: 'The payment’s id', cell: (row) => payments.ids.at(row) },
    {
      name: 'side',
      type: 'string',
      meaning: 'Whose payment service asked: PAYER or PAYEE',
      cell: (row) => sides.at(row),
    },
    time,
  ];
}

function schemaOf(
  { definition }: FeatureSet,
  { features, withStatuses }: HistoryRequest,
  keys: readonly KeyColumn[],
): StructType {
  const meanings = new Map(definition.features.map(({ name, description }) => [name, description]));
  const described = (name: string, type: KeyColumn['type'] | 'double', comment: string) => ({
    ...field(name, type),
    metadata: { comment },
  });
  return {
    type: 'struct',
    fields: [
      ...keys.map(({ name, type, meaning }) => described(name, type, meaning)),
      ...features.flatMap((name) => [
        described(name, 'double', meanings.get(name) ?? ''),
        ...(withStatuses
          ? [described(`${name}${STATUS_SUFFIX}`, 'string', `Why ${name} has a value, or has none`)]
          : []),
      ]),
    ],
  };
}

function dictionaryOf(set: FeatureSet, { versions, userRows }: SilverSource, { fields }: StructType): string {
  return JSON.stringify({
    featureSet: { name: set.name, version: set.version },
    tables: versions,
    reconstructed: userRows !== null,
    columns: fields.map(({ name, type, metadata }) => ({ name, type, description: metadata.comment })),
  });
}

function pieceOf(
  set: FeatureSet,
  { features, withStatuses }: HistoryRequest,
  keys: readonly KeyColumn[],
  rows: Int32Array,
  vector: (read: number) => FeatureOutput,
): HistoryPiece {
  const cells = new FeatureCells(
    features.map((name) => set.indexOf(name)),
    withStatuses,
    rows.length,
  );
  for (let read = 0; read < rows.length; read += 1) cells.add(vector(read));
  return {
    rows: rows.length,
    columns: [...keys.map((key) => Array.from(rows, (row) => key.cell(row))), ...cells.columns()],
  };
}
