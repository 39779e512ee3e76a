import { AppError } from '../base/errors.ts';
import { type Correction, CorrectionSchema } from './correction.ts';
import { microsOfInstant, NO_INSTANT } from './instant.ts';
import { type ParsedPayment, parsePayment } from './parse-payment.ts';
import { schemaCheck } from './schema-errors.ts';

/** A correction that was checked. */
export interface ParsedCorrection {
  readonly endToEndId: string;
  /** Microseconds since 1970. */
  readonly correctedAtMicros: number;
  /** The payment as it is now; null where it is retracted. */
  readonly replacement: ParsedPayment | null;
}

const check = schemaCheck<Correction>(CorrectionSchema);

/**
 * Checks a decoded body of `/v1/corrections`.
 *
 * @throws AppError `invalid_correction` that names the first wrong field, never its value.
 */
export function parseCorrection(body: unknown): ParsedCorrection {
  if (!check.is(body)) {
    const { field, problem } = check.problemOf(body);
    throw invalid(field, `${field === '' ? 'the correction' : field} ${problem}`);
  }
  const { endToEndId, correctedAt, payment } = body;
  const correctedAtMicros = microsOfInstant(correctedAt);
  if (correctedAtMicros === undefined) throw invalid('correctedAt', `correctedAt ${NO_INSTANT}`);
  if (payment !== undefined && payment.endToEndId !== endToEndId) {
    throw invalid(
      'payment.endToEndId',
      'payment.endToEndId is not endToEndId: a correction replaces a payment by one of the same id',
    );
  }
  return {
    endToEndId,
    correctedAtMicros,
    replacement: payment === undefined ? null : ofReplacement(() => parsePayment(payment)),
  };
}

/**
 * Reads the payment of a correction.
 *
 * @throws AppError `invalid_correction` with the field's path from the correction, where `read` throws `invalid_payment`.
 */
export function ofReplacement<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid_payment') throw error;
    const { field } = error.context;
    throw invalid(field === undefined ? 'payment' : `payment.${field}`, `payment.${error.message}`);
  }
}

function invalid(field: string, message: string): AppError {
  return new AppError('invalid_correction', message, field === '' ? {} : { field });
}
