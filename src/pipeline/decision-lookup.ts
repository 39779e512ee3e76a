import { accountKey } from '../domain/entity-keys.ts';
import type { Side } from '../domain/payment.ts';
import { bindPredicate, literalOf } from '../storage/expression/expressions.ts';
import { type DuckDb, openDuckDb } from '../storage/parquet/duckdb.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import { filesWhere } from '../storage/scan/prune-snapshot.ts';
import type { DataFile, Snapshot } from '../storage/scan/snapshot.ts';
import type { Cell, CellRow } from '../storage/types/cell.ts';
import type { JobPorts } from './job.ts';
import { unrefined } from './silver-plan.ts';

/** A decision that the lake holds. */
export interface FoundDecision {
  /** The JSON of the answer, byte for byte. */
  readonly body: string;
  readonly knownTimeMicros: number;
  /** SHA-256 of the canonical form of the request: 32 bytes. */
  readonly requestSha256: Uint8Array;
  /** Values in the order of the feature set of the decision; NaN is absent. */
  readonly features: Float64Array;
  readonly featureStatus: Uint8Array;
}

/** What look-ups work with. */
export type LookupPorts = Pick<JobPorts, 'lake' | 'memoryLimitMb' | 'threads'>;

/**
 * The first decision of a payment's side: in silver, else in what bronze is ahead of it; undefined
 * where the lake has none. Takes some 50 ms: only files whose bounds hold the id are read.
 *
 * @param requestSha256 gives the first decision of that request instead: silver keeps one decision a key, and where it
 * is another payment's all of bronze is looked through.
 * @throws AppError storage_failed, table_corrupt.
 */
export async function findDecision(
  ports: LookupPorts,
  endToEndId: string,
  side: Side,
  requestSha256: Uint8Array | null = null,
): Promise<FoundDecision | undefined> {
  const asked = { endToEndId, side, requestSha256 };
  const silver = await ports.lake.table('silver/decisions').snapshot();
  const { snapshot: bronze, files: unread } = await unrefined(ports.lake, 'decisions');
  return withDuckDb(ports, async (db) => {
    const inSilver = await decisionIn(db, silver, filesWith(silver, endToEndId), asked);
    if (inSilver !== undefined) return inSilver;
    const inUnread = await decisionIn(db, bronze, filesWith(bronze, endToEndId, unread), asked);
    if (inUnread !== undefined || requestSha256 === null) return inUnread;
    return decisionIn(db, bronze, filesWith(bronze, endToEndId), asked);
  });
}

interface AskedDecision {
  readonly endToEndId: string;
  readonly side: Side;
  readonly requestSha256: Uint8Array | null;
}

/**
 * The payee's account key of a payment; null where the payment names none, undefined where the lake
 * has no such payment.
 *
 * @throws AppError storage_failed, table_corrupt.
 */
export async function findPayeeAccount(ports: LookupPorts, endToEndId: string): Promise<string | null | undefined> {
  const silver = await ports.lake.table('silver/transactions').snapshot();
  const bronze = await unrefined(ports.lake, 'transactions');
  return withDuckDb(ports, async (db) => {
    const inSilver = await payeeInSilver(db, silver, endToEndId);
    return inSilver === undefined ? payeeInBronze(db, bronze.snapshot, bronze.files, endToEndId) : inSilver;
  });
}

async function withDuckDb<T>(
  { memoryLimitMb = 256, threads = 1 }: LookupPorts,
  ask: (db: DuckDb) => Promise<T>,
): Promise<T> {
  const db = await openDuckDb({ memoryLimitMb, threads });
  try {
    return await ask(db);
  } finally {
    db.close();
  }
}

async function decisionIn(
  db: DuckDb,
  snapshot: Snapshot,
  files: readonly DataFile[],
  { endToEndId, side, requestSha256 }: AskedDecision,
): Promise<FoundDecision | undefined> {
  if (files.length === 0) return undefined;
  const columns = ['end_to_end_id', 'side', 'known_time', 'journal_id', 'journal_position', ...ANSWER_COLUMNS];
  const [row] = await db.rows(
    `SELECT epoch_us(known_time)::DOUBLE AS known, ${ANSWER_COLUMNS.join(', ')} FROM ${await duckdbScan(db, snapshot, { files, columns })}
     WHERE end_to_end_id = $1 AND side = $2 AND ($3 = '' OR request_sha256 = $3)
     ORDER BY known_time, journal_id, journal_position LIMIT 1`,
    [endToEndId, side, requestSha256 === null ? '' : Buffer.from(requestSha256).toString('hex')],
  );
  return row === undefined ? undefined : foundDecision(row);
}

async function payeeInSilver(db: DuckDb, silver: Snapshot, endToEndId: string): Promise<string | null | undefined> {
  const files = filesWith(silver, endToEndId);
  if (files.length === 0) return undefined;
  const columns = ['end_to_end_id', 'payee_account', 'is_event', 'known_time'];
  const [row] = await db.rows(
    `SELECT payee_account FROM ${await duckdbScan(db, silver, { files, columns })} WHERE end_to_end_id = $1
     ORDER BY NOT is_event, known_time LIMIT 1`,
    [endToEndId],
  );
  return row === undefined ? undefined : textOrNull(row.payee_account);
}

async function payeeInBronze(
  db: DuckDb,
  snapshot: Snapshot,
  among: readonly DataFile[],
  endToEndId: string,
): Promise<string | null | undefined> {
  const files = filesWith(snapshot, endToEndId, among);
  if (files.length === 0) return undefined;
  const part = (path: string, name: string): string => `json_extract_string(payment, '$.payee.${path}') AS ${name}`;
  const [row] = await db.rows(
    `SELECT ${part('ispb', 'ispb')}, ${part('account.branch', 'branch')}, ${part('account.number', 'number')}
     FROM ${await duckdbScan(db, snapshot, { files, columns: ['end_to_end_id', 'payment', 'known_time', 'is_event'] })}
     WHERE end_to_end_id = $1 AND payment IS NOT NULL ORDER BY coalesce(NOT is_event, false), known_time LIMIT 1`,
    [endToEndId],
  );
  if (row === undefined) return undefined;
  return accountKey({ ispb: textOrNull(row.ispb), branch: textOrNull(row.branch), number: textOrNull(row.number) });
}

function textOrNull(cell: Cell | undefined): string | null {
  return typeof cell === 'string' ? cell : null;
}

const ANSWER_COLUMNS: readonly string[] = ['answer', 'request_sha256', 'features', 'feature_status'];

function filesWith(
  snapshot: Snapshot,
  endToEndId: string,
  among: readonly DataFile[] = snapshot.files,
): readonly DataFile[] {
  const left = { kind: 'column', path: ['end_to_end_id'] } as const;
  const isIt = { kind: 'comparison', op: '=', left, right: literalOf('string', endToEndId) } as const;
  const kept = new Set(filesWhere(snapshot, bindPredicate(isIt, snapshot.schema)).map(({ key }) => key));
  return among.filter(({ key }) => kept.has(key));
}

function foundDecision(row: CellRow): FoundDecision {
  const { answer, request_sha256: sha256, features, feature_status: status, known } = row;
  return {
    body: String(answer),
    knownTimeMicros: Number(known),
    requestSha256: Buffer.from(String(sha256), 'hex'),
    features: Float64Array.from(Array.isArray(features) ? features : [], (value) =>
      typeof value === 'number' ? value : Number.NaN,
    ),
    featureStatus: status instanceof Uint8Array ? Uint8Array.from(status) : new Uint8Array(0),
  };
}
