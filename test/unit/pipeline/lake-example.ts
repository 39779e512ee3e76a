import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ManualClock, manualClock } from '../../../src/base/clock.ts';
import { type EntityNumbers, NO_NUMBERS } from '../../../src/domain/entity-keys.ts';
import type { LabelState } from '../../../src/domain/label.ts';
import type { CorrectionRecord, JournalRecord, LabelRecord, ScoredRecord } from '../../../src/events/journal-record.ts';
import type { JobPorts } from '../../../src/pipeline/job.ts';
import { ensureLake, type Lake, type LakeTableName } from '../../../src/pipeline/lake.ts';
import { readRows } from '../../../src/storage/scan/table-read.ts';
import { localObjectStore } from '../../../src/storage/store/local-object-store.ts';
import type { CellRow } from '../../../src/storage/types/cell.ts';
import { examplePayment } from '../../payment-example.ts';

/** 2026-11-01T12:00:06Z, a second after the example payment. */
export const T0 = Date.UTC(2026, 10, 1, 12, 0, 6) * 1000;

export const JOURNAL = '0b6f7f0e-8a55-4a7e-9d7b-1f5f2f3c4d5e';

/** A lake in a folder of its own. */
export interface ExampleLake {
  readonly lake: Lake;
  readonly ports: JobPorts;
  readonly clock: ManualClock;
  readonly folder: string;
  rows(table: LakeTableName): Promise<CellRow[]>;
  remove(): void;
}

export async function exampleLake(): Promise<ExampleLake> {
  const folder = mkdtempSync(join(tmpdir(), 'sentinela-lake-'));
  const clock = manualClock(T0);
  const lake = await ensureLake(localObjectStore(join(folder, 'lake')), { clock });
  return {
    lake,
    clock,
    folder,
    ports: { lake, clock, temporaryFolder: join(folder, 'tmp'), memoryLimitMb: 256, threads: 1 },
    async rows(table) {
      const rows: CellRow[] = [];
      for await (const row of readRows(await lake.table(table).snapshot())) rows.push(row);
      return rows;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The nth id, valid in its inner form. */
export function idOf(n: number): string {
  return `E12345678202611011200${String(n).padStart(11, '0')}`;
}

export function numbered(seq: number, epoch = 1): EntityNumbers {
  return { ...NO_NUMBERS, payer: { epoch, seq }, payee: { epoch, seq }, pair: { epoch, seq }, device: { epoch, seq } };
}

/** A scored payment. */
export function scored(
  n: number,
  changes: Partial<ScoredRecord> = {},
  payment: Record<string, unknown> = {},
): ScoredRecord {
  const endToEndId = changes.endToEndId ?? idOf(n);
  const side = changes.side ?? 'PAYER';
  const body = examplePayment({ endToEndId, side, amount: `${n}.50`, ...payment });
  const answer = {
    endToEndId,
    side,
    decision: side === 'PAYER' ? 'APPROVE' : 'ACCEPT',
    score: 0.25,
    reasons: ['amount_high', 'new_payee'],
    model: { name: 'champion', version: '1', sha256: 'ab' },
    featureSet: { name: 'pix-core', version: 'v1' },
    ruleId: 'default',
    policyVersion: '1',
    degraded: [],
    decidedAt: '2026-11-01T12:00:06.000Z',
  };
  return {
    kind: 'scored',
    knownTimeMicros: T0 + n * 1000,
    endToEndId,
    side,
    source: 'http',
    requestSha256: new Uint8Array(32).fill(n & 255),
    raw: Buffer.from(JSON.stringify(body)),
    isEvent: true,
    numbers: numbered(n),
    saw: numbered(n - 1),
    answer: Buffer.from(JSON.stringify(answer)),
    features: Float64Array.of(n, Number.NaN, 0.5),
    featureStatus: Uint8Array.of(0, 2, 0),
    ...changes,
  };
}

/** A state of a payment's contest. */
export function label(n: number, state: LabelState, changes: Partial<LabelRecord> = {}): LabelRecord {
  const eventTimeMicros = changes.eventTimeMicros ?? T0 + n * 1_000_000;
  const endToEndId = changes.endToEndId ?? idOf(n);
  const body = { endToEndId, state, eventTime: new Date(eventTimeMicros / 1000).toISOString(), medStatus: 'ANALYSED' };
  return {
    kind: 'label',
    knownTimeMicros: T0 + n * 1_000_000,
    endToEndId,
    source: 'http',
    state,
    eventTimeMicros,
    payeeAccount: '1A2B3C4D||99887766',
    number: { epoch: 1, seq: 1000 + n },
    raw: Buffer.from(JSON.stringify(body)),
    ...changes,
  };
}

/** A correction of a payment: a retraction without a payment, else a replacement by the example with these changes. */
export function correction(
  n: number,
  payment: Record<string, unknown> | null,
  changes: Partial<CorrectionRecord> = {},
): CorrectionRecord {
  const endToEndId = changes.endToEndId ?? idOf(n);
  const body = {
    endToEndId,
    correctedAt: '2026-11-02T12:00:00Z',
    ...(payment === null ? {} : { payment: examplePayment({ endToEndId, ...payment }) }),
  };
  return {
    kind: 'correction',
    knownTimeMicros: T0 + n * 1_000_000,
    endToEndId,
    source: 'http',
    correctedAtMicros: Date.UTC(2026, 10, 2, 12) * 1000,
    isApplied: true,
    retracted: numbered(1000 + 2 * n),
    replaced: payment === null ? NO_NUMBERS : numbered(1001 + 2 * n),
    raw: Buffer.from(JSON.stringify(body)),
    ...changes,
  };
}

/** Records as entries of a journal, from a position on. */
export function entries(records: readonly JournalRecord[], from = 1) {
  return records.map((record, at) => ({ position: from + at, record }));
}
