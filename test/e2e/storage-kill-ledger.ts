import { readFileSync } from 'node:fs';

/** A line of a worker's ledger. */
export interface LedgerEntry {
  readonly kind: 'append' | 'merge' | 'delete' | 'tend';
  readonly ids: readonly number[];
  /** What the rows hold after it. */
  readonly value: number;
  readonly told: 'begun' | 'committed' | 'refused' | 'unknown';
  readonly why?: string;
}

/** What a row may be, by what its worker was told: values that it may have, `gone` among them. */
export type Expectations = ReadonlyMap<number, ReadonlySet<number | 'gone'>>;

/** What ledgers say. */
export interface LedgerSummary {
  readonly rows: Expectations;
  readonly committed: number;
  readonly refused: number;
  /** Begun and never answered: the worker was killed, or told that it is not known. */
  readonly unanswered: number;
  /** Errors that were told, and how often. */
  readonly errors: ReadonlyMap<string, number>;
}

/** Reads ledgers; a last line that a kill cut is left out, its begin line stands before it. */
export function readLedgers(paths: readonly string[]): LedgerSummary {
  const rows = new Map<number, Set<number | 'gone'>>();
  const errors = new Map<string, number>();
  const counts = { committed: 0, refused: 0, unanswered: 0 };
  for (const path of paths) {
    let open: LedgerEntry | undefined;
    for (const entry of entriesOf(path)) {
      if (entry.why !== undefined) errors.set(entry.why.slice(0, 160), (errors.get(entry.why.slice(0, 160)) ?? 0) + 1);
      if (entry.kind === 'tend') continue;
      if (entry.told === 'begun') {
        if (open !== undefined) counts.unanswered += 1;
        open = entry;
        mayBe(rows, entry);
        continue;
      }
      open = undefined;
      if (entry.told === 'committed') {
        counts.committed += 1;
        for (const id of entry.ids) rows.set(id, committedAs(rows.get(id), entry));
      } else if (entry.told === 'refused') {
        counts.refused += 1;
        for (const id of entry.ids) rows.get(id)?.delete(after(entry));
      } else counts.unanswered += 1;
    }
    if (open !== undefined) counts.unanswered += 1;
  }
  return { rows, ...counts, errors };
}

function mayBe(rows: Map<number, Set<number | 'gone'>>, entry: LedgerEntry): void {
  for (const id of entry.ids) {
    const known = rows.get(id) ?? new Set(['gone' as const]);
    known.add(after(entry));
    rows.set(id, known);
  }
}

/** A merge of a row that may be gone leaves it so: nothing is inserted. */
function committedAs(before: ReadonlySet<number | 'gone'> | undefined, entry: LedgerEntry): Set<number | 'gone'> {
  const mayBeGone = entry.kind === 'merge' && before?.has('gone') === true;
  return new Set(mayBeGone ? [after(entry), 'gone' as const] : [after(entry)]);
}

/** What a row is after an entry took place. */
function after({ kind, value }: LedgerEntry): number | 'gone' {
  return kind === 'delete' ? 'gone' : value;
}

function entriesOf(path: string): LedgerEntry[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as LedgerEntry];
      } catch {
        return [];
      }
    });
}
