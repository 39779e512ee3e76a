import { AppError } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { tellableColumns } from '../base/tellable.ts';
import { END_TO_END_ID_PATTERN } from '../domain/end-to-end-id.ts';
import { SIDES, type Side } from '../domain/payment.ts';
import type { PaymentSide } from '../training-export/read-history.ts';
import type { UserFile } from '../training-export/user-rows.ts';

const END_TO_END_ID = new RegExp(END_TO_END_ID_PATTERN);
const COLUMNS = ['end_to_end_id', 'side'] as const;

/**
 * Reads the payments that a file names in its columns `end_to_end_id` and `side`; others are passed over.
 *
 * @throws AppError `invalid_file` that names the wrong lines, never what is in them; `usage` where a column is missing.
 */
export async function readPayments({ header, records }: UserFile): Promise<PaymentSide[]> {
  for (const name of COLUMNS) {
    if (!header.includes(name)) {
      throw new AppError(
        'usage',
        `--payments: the file has no column ${name}${didYouMean(name, tellableColumns(header) ?? [])}`,
      );
    }
  }
  const payments: PaymentSide[] = [];
  const wrong: string[] = [];
  for await (const batch of records()) {
    for (const { line, cells, problem } of batch) {
      const found = problem ?? paymentOf(cells.end_to_end_id, cells.side);
      if (typeof found === 'string') wrong.push(`line ${line}: ${found}`);
      else payments.push(found);
    }
  }
  if (wrong.length > 0) {
    const told = wrong.slice(0, LIMITS.rowsFileProblems);
    const more = wrong.length > told.length ? `\n  and ${wrong.length - told.length} more` : '';
    const message = `--payments: ${wrong.length} rows are wrong, so nothing is read:\n  ${told.join('\n  ')}${more}`;
    throw new AppError('invalid_file', message, { wrong: wrong.length });
  }
  if (payments.length === 0) throw new AppError('not_found', '--payments: the file has no rows');
  return payments;
}

function paymentOf(endToEndId: unknown, side: unknown): PaymentSide | string {
  if (typeof endToEndId !== 'string' || !END_TO_END_ID.test(endToEndId)) {
    return 'end_to_end_id is not 32 letters and digits';
  }
  return isSide(side) ? { endToEndId, side } : `side is none of ${SIDES.join(', ')}`;
}

function isSide(side: unknown): side is Side {
  return (SIDES as readonly unknown[]).includes(side);
}
