import { AppError } from '../base/errors.ts';
import { didYouMean } from '../base/nearest-name.ts';
import { END_TO_END_ID_PATTERN } from '../domain/end-to-end-id.ts';
import { SIDES, type Side } from '../domain/payment.ts';
import { csvFields } from '../pipeline/import-csv.ts';
import { type FileRecord, fileRecords, type RecordFormat } from '../pipeline/import-lines.ts';
import type { PaymentSide } from '../training-export/read-history.ts';

/** Bad lines that an error names; more are counted. */
const TOLD_LINES = 10;
const END_TO_END_ID = new RegExp(END_TO_END_ID_PATTERN);
const COLUMNS = ['end_to_end_id', 'side'] as const;

/**
 * Reads a file of payments: CSV with a header or NDJSON, plain or gzip, with `end_to_end_id` and `side`; other columns
 * are passed over.
 *
 * @throws AppError `invalid_file` that names the bad lines, never what is in them.
 */
export async function readPaymentsFile(path: string): Promise<PaymentSide[]> {
  const format = formatOf(path);
  const payments: PaymentSide[] = [];
  const bad: string[] = [];
  let read: ((record: FileRecord) => PaymentSide | string) | undefined;
  for await (const records of fileRecords(path, format)) {
    for (const record of records) {
      if (read === undefined && format === 'csv') {
        read = csvReader(path, record);
        continue;
      }
      read ??= readLine;
      const found = record.problem === null ? read(record) : record.problem.reason;
      if (typeof found === 'string') bad.push(`line ${record.line}: ${found}`);
      else payments.push(found);
    }
  }
  if (bad.length > 0) {
    const more = bad.length > TOLD_LINES ? `; and ${bad.length - TOLD_LINES} more` : '';
    throw new AppError('invalid_file', `${path}: ${bad.slice(0, TOLD_LINES).join('; ')}${more}`, { lines: bad.length });
  }
  if (payments.length === 0) throw new AppError('invalid_file', `${path} names no payment`);
  return payments;
}

function formatOf(path: string): RecordFormat {
  const ending = /\.(csv|ndjson)(\.gz)?$/.exec(path)?.[1];
  if (ending === 'csv' || ending === 'ndjson') return ending;
  throw new AppError(
    'usage',
    `${path} is of no kind that is read: name it .csv or .ndjson, with .gz where it is packed`,
  );
}

/** Finds the columns in the header. */
function csvReader(path: string, header: FileRecord): (record: FileRecord) => PaymentSide | string {
  const names = csvFields(header.bytes.toString('utf8'), ',') ?? [];
  const [id = -1, side = -1] = COLUMNS.map((name) => {
    const at = names.indexOf(name);
    if (at >= 0) return at;
    throw new AppError('invalid_file', `${path} has no column ${name}${didYouMean(name, names)}`);
  });
  return ({ bytes }) => {
    const fields = csvFields(bytes.toString('utf8'), ',');
    if (fields === undefined) return 'breaks the rules of CSV';
    if (fields.length !== names.length) return `has ${fields.length} fields, the header has ${names.length}`;
    return paymentOf(fields[id], fields[side]);
  };
}

function readLine({ bytes }: FileRecord): PaymentSide | string {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return 'is not JSON';
  }
  if (typeof value !== 'object' || value === null) return 'is no object';
  const members = new Map<string, unknown>(Object.entries(value));
  return paymentOf(members.get('end_to_end_id') ?? members.get('endToEndId'), members.get('side'));
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
