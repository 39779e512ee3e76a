import { type Formula, pruneFile } from '../expression/expressions.ts';
import type { FileVerdict } from '../expression/prune-files.ts';
import { factsOf } from './data-file-facts.ts';
import type { DataFile, Snapshot } from './snapshot.ts';

/** A file that may hold rows for which a condition is true. */
export interface JudgedFile {
  readonly file: DataFile;
  /** `all` where every row of it passes. */
  readonly verdict: Exclude<FileVerdict, 'none'>;
}

/**
 * The files that may hold a row for which a condition is true: by their partition first, which is
 * asked once for each distinct one, then by statistics.
 *
 * @param relation the alias of the table, in a condition of several relations.
 */
export function judgeFiles(snapshot: Snapshot, condition: Formula, relation?: string): JudgedFile[] {
  const facts = factsOf(snapshot);
  const isWanted = (partitionValues: DataFile['partitionValues']): boolean =>
    snapshot.partitionColumns.length === 0 ||
    pruneFile(condition, facts({ partitionValues, statistics: () => undefined }), relation) !== 'none';
  const judged: JudgedFile[] = [];
  for (const file of snapshot.filesWhere(isWanted)) {
    const verdict = pruneFile(condition, facts(file), relation);
    if (verdict !== 'none') judged.push({ file, verdict });
  }
  return judged;
}

/** The files of {@link judgeFiles}. */
export function filesWhere(snapshot: Snapshot, condition: Formula): DataFile[] {
  return judgeFiles(snapshot, condition).map(({ file }) => file);
}
