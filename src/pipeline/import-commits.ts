import { AppError } from '../base/errors.ts';
import type { BronzeRow } from './bronze-rows.ts';
import type { ImportStep } from './import-order.ts';
import { IMPORT_TABLES, type ImportRows, type ImportTable } from './import-rows.ts';
import type { RowsInMemory } from './import-sort.ts';
import type { Lake } from './lake.ts';

/** What one commit a table takes: 50,000 rows are about 60 MB of NDJSON, and of long records there are fewer. */
const COMMIT: RowsInMemory = { rows: 50_000, rawBytes: 64 * 1024 * 1024 };

/**
 * Makes rows of the steps of an import and commits them, batch by batch.
 *
 * @param most that a commit takes, but for the batch of steps that goes beyond it; for tests.
 * @throws AppError `commit_conflict`, and those of the lake.
 */
export async function commitSteps(
  lake: Lake,
  journalId: string,
  steps: AsyncIterable<readonly ImportStep[]>,
  rows: ImportRows,
  most = COMMIT,
): Promise<void> {
  let waiting = newBatch();
  let count = 0;
  let rawBytes = 0;
  for await (const batch of steps) {
    for (const step of batch) {
      const made = rows.add(step);
      if (made !== undefined) waiting[made.table].push(made.row);
      rawBytes += rawOf(step).length;
    }
    count += batch.length;
    if (count < most.rows && rawBytes < most.rawBytes) continue;
    await commitBatch(lake, journalId, waiting, rows.position);
    waiting = newBatch();
    count = 0;
    rawBytes = 0;
  }
  await commitBatch(lake, journalId, waiting, rows.position);
}

function rawOf(step: ImportStep): Buffer {
  switch (step.kind) {
    case 'payment':
      return step.row.raw;
    case 'label':
      return step.label.raw;
    case 'correction':
      return step.correction.raw;
    case 'bad':
      return step.bad.raw;
  }
}

function newBatch(): Record<ImportTable, BronzeRow[]> {
  return {
    'quarantine/transactions': [],
    'quarantine/labels': [],
    'quarantine/corrections': [],
    'bronze/labels': [],
    'bronze/corrections': [],
    'bronze/transactions': [],
  };
}

/** Each table's txn says how far it has come: what a killed run committed is left out here. */
async function commitBatch(
  lake: Lake,
  journalId: string,
  batch: Readonly<Record<ImportTable, readonly BronzeRow[]>>,
  lastPosition: number,
): Promise<void> {
  for (const name of IMPORT_TABLES) {
    const table = lake.table(name);
    const appId = importAppId(journalId, name);
    const position = (await table.snapshot()).transactionVersion(appId) ?? 0;
    const fresh = batch[name].filter((row) => Number(row.journal_position) > position);
    // The last table moves with every batch: readers of bronze know the journal's offset by it.
    if (position >= lastPosition || (fresh.length === 0 && name !== 'bronze/transactions')) continue;
    const outcome = await table.append({
      rows: fresh,
      txn: { appId, version: lastPosition },
      operation: 'IMPORT',
      allowEmpty: true,
    });
    if (outcome.kind === 'conflict') {
      throw new AppError('commit_conflict', `${name} changed under the import (${outcome.reason}): start it again`, {
        table: name,
      });
    }
  }
}

/** As the bronze writer names it, `<journal>/<table>`; quarantine keeps its layer in the name. */
function importAppId(journalId: string, table: ImportTable): string {
  return `${journalId}/${table.startsWith('bronze/') ? table.slice('bronze/'.length) : table}`;
}
