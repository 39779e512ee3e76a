import { canonicalJson } from '../base/canonical-json.ts';
import { AppError } from '../base/errors.ts';
import { BRONZE_SCHEMA_VERSION } from '../governance/contracts/bronze.ts';
import type { Snapshot } from '../storage/scan/snapshot.ts';
import { readRows } from '../storage/scan/table-read.ts';
import { journalAppId } from './bronze-writer.ts';
import { ingestColumns } from './import-rows.ts';
import type { Lake } from './lake.ts';
import { silverPositions } from './silver-plan.ts';

/** The epoch of an import: what it stands on. */
export interface ImportEpoch {
  readonly epoch: number;
  /** When it was opened, by our clock. */
  readonly knownMicros: number;
  /** The last position of each journal that was in silver. */
  readonly offsets: Readonly<Record<string, number>>;
}

/** Position of the opening record in the journal that an import is. */
const OPENING_POSITION = 1;

/**
 * Opens the import's epoch, or finds it where an earlier run of the same import opened it: what
 * silver held at that first time stays its base.
 *
 * @throws AppError `commit_conflict` where another import opens one at the same time.
 */
export async function openImportEpoch(lake: Lake, journalId: string, nowMicros: number): Promise<ImportEpoch> {
  const table = lake.table('bronze/epochs');
  const snapshot = await table.snapshot();
  const found = await readEpochs(snapshot, journalId);
  if (found.own !== undefined) return found.own;
  const silver = await lake.table('silver/transactions').snapshot();
  const offsets = Object.fromEntries(await silverPositions(lake));
  const opened: ImportEpoch = { epoch: found.largest + 1, knownMicros: nowMicros, offsets };
  const outcome = await table.append({
    rows: [
      {
        ...ingestColumns(nowMicros),
        known_time: nowMicros,
        known_assumed: false,
        journal_id: journalId,
        journal_position: OPENING_POSITION,
        source: 'import',
        schema_version: BRONZE_SCHEMA_VERSION,
        epoch: opened.epoch,
        reason: 'import',
        silver_version: silver.version,
        offsets: canonicalJson(offsets),
      },
    ],
    txn: { appId: journalAppId(journalId, 'epochs'), version: OPENING_POSITION },
    operation: 'WRITE',
  });
  if (outcome.kind !== 'committed') {
    throw new AppError('commit_conflict', 'Another run opened the epoch of this import: start it again', {
      table: 'bronze/epochs',
    });
  }
  return opened;
}

async function readEpochs(snapshot: Snapshot, journalId: string): Promise<{ own?: ImportEpoch; largest: number }> {
  let largest = 0;
  let own: ImportEpoch | undefined;
  for await (const row of readRows(snapshot, { columns: ['journal_id', 'epoch', 'known_time', 'offsets'] })) {
    const epoch = Number(row.epoch);
    largest = Math.max(largest, epoch);
    if (row.journal_id !== journalId) continue;
    const offsets = JSON.parse(String(row.offsets)) as Record<string, number>;
    own = { epoch, knownMicros: Number(row.known_time), offsets };
  }
  return own === undefined ? { largest } : { own, largest };
}
