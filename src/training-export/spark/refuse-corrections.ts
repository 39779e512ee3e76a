import { AppError } from '../../base/errors.ts';
import { lakeColumns } from '../../governance/lake-columns.ts';
import { CORRECTIONS, type SourceSnapshots } from '../source-snapshots.ts';

/**
 * Spark reads payments as they were first presented: where corrections changed what later payments saw, its values
 * would be other ones than those that were served.
 *
 * @throws AppError `table_unsupported`.
 */
export async function refuseCorrections({ [CORRECTIONS]: corrections }: SourceSnapshots): Promise<void> {
  if (corrections === null || corrections.fileCount === 0) return;
  const effects = (await lakeColumns(corrections, ['effect'])).requiredTexts('effect');
  const applied = Array.from(effects).filter((effect) => effect !== 'IGNORED').length;
  if (applied === 0) return;
  throw new AppError(
    'table_unsupported',
    `silver.corrections holds corrections (${applied} rows), which Spark does not read: use features read or export create`,
    { table: CORRECTIONS, rows: applied },
  );
}
