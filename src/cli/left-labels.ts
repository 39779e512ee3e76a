import { parseLabel } from '../domain/parse-label.ts';
import type { JournalFiles } from '../events/journal-files.ts';
import { oldestPosition, readJournal } from '../events/journal-reader.ts';
import { decodeRecord, skimRecord } from '../events/record-codec.ts';
import type { ObservedLabel } from '../features/online-store.ts';
import { type JobPorts, runJob } from '../pipeline/job.ts';
import { silverPositions } from '../pipeline/silver-plan.ts';
import { labelRequest } from '../scoring/label-records.ts';
import { duckdbScan } from '../storage/scan/duckdb-scan.ts';
import { sqlText } from '../storage/types/sql-types.ts';

/** Where labels are looked for. */
interface LabelSources {
  readonly ports: JobPorts;
  readonly files: JournalFiles;
  readonly journalFolder: string;
}

/**
 * The labels that a journal holds up to a position without a number, in their order. Such a label is of no payee, and in no
 * base, however old it is: an epoch's offset says nothing of it. So what silver has taken is looked for as well, in bronze,
 * for the journal may have let it go.
 *
 * A record with a number stands for the first record of the same label that has none.
 *
 * @throws AppError those of storage and of journals; `journal_corrupt` also where a segment goes meanwhile.
 */
export async function leftLabels(
  { ports, files, journalFolder }: LabelSources,
  journalId: string,
  throughPosition: number,
): Promise<ObservedLabel[]> {
  const inSilver = Math.min((await silverPositions(ports.lake)).get(journalId) ?? 0, throughPosition);
  const left = new LeftLabels();
  for (const { position, body } of await leftInBronze(ports, journalId, inSilver)) {
    left.add(bodyOf(body), labelRequest(journalId, position));
  }
  const after = Math.max(inSilver, (await oldestPosition(files, journalFolder)) - 1);
  for await (const entries of readJournal(files, journalFolder, after, throughPosition)) {
    for (const { payload, position } of entries) {
      const skimmed = skimRecord(payload);
      if (skimmed.kind !== 'label') continue;
      if (skimmed.number !== null) {
        left.remove(skimmed);
        continue;
      }
      const record = decodeRecord(payload);
      if (record.kind !== 'label') continue;
      left.add(bodyOf(Buffer.from(record.raw).toString()), labelRequest(journalId, position));
    }
  }
  return left.all();
}

type NamedLabel = Pick<ObservedLabel, 'endToEndId' | 'state' | 'eventTimeMicros'>;

/** Labels by what makes two the same, those of one in their order. */
class LeftLabels {
  readonly #labels = new Map<string, ObservedLabel[]>();

  add(label: ObservedLabel, request: string): void {
    const same = this.#labels.get(keyOf(label));
    if (same === undefined) this.#labels.set(keyOf(label), [{ ...label, request }]);
    else same.push({ ...label, request });
  }

  remove(label: NamedLabel): void {
    this.#labels.get(keyOf(label))?.shift();
  }

  all(): ObservedLabel[] {
    return [...this.#labels.values()].flat();
  }
}

function keyOf({ endToEndId, state, eventTimeMicros }: NamedLabel): string {
  return `${endToEndId}/${state}/${eventTimeMicros}`;
}

/** A label of the payee that its caller names. */
function bodyOf(text: string): ObservedLabel {
  const { endToEndId, state, eventTimeMicros, payeeAccount } = parseLabel(JSON.parse(text));
  return { endToEndId, state, eventTimeMicros, payeeAccount };
}

interface BronzeLabel {
  readonly position: number;
  readonly body: string;
}

async function leftInBronze(ports: JobPorts, journalId: string, throughPosition: number): Promise<BronzeLabel[]> {
  const snapshot = await ports.lake.table('bronze/labels').snapshot();
  if (throughPosition === 0 || snapshot.files.length === 0) return [];
  const columns = ['journal_id', 'journal_position', 'end_to_end_id', 'state', 'event_time', 'payee_seq', 'label'];
  return runJob(ports, async (db) => {
    const scan = await duckdbScan(db, snapshot, { columns });
    const same = 'end_to_end_id, state, event_time';
    const rows = await db.rows(`
      SELECT journal_position::DOUBLE AS position, label FROM (
        SELECT journal_position, label, payee_seq, count(payee_seq) OVER (PARTITION BY ${same}) AS numbered,
          row_number() OVER (PARTITION BY ${same}, payee_seq IS NULL ORDER BY journal_position) AS place
        FROM ${scan} WHERE journal_id = ${sqlText(journalId)} AND journal_position <= ${throughPosition})
      WHERE payee_seq IS NULL AND label IS NOT NULL AND place > numbered ORDER BY position`);
    return rows.map(({ position, label }) => ({ position: Number(position), body: String(label) }));
  });
}
