import { AppError } from '../base/errors.ts';
import { accountKey } from './entity-keys.ts';
import { microsOfInstant, NO_INSTANT } from './instant.ts';
import { type Label, LabelSchema, type LabelState } from './label.ts';
import { schemaCheck } from './schema-errors.ts';

/** A label that was checked, with its times as microseconds since 1970. */
export interface ParsedLabel {
  readonly label: Label;
  readonly endToEndId: string;
  readonly state: LabelState;
  readonly eventTimeMicros: number;
  readonly reportedAtMicros: number | null;
  /** Key of the payee's account where the caller named it. */
  readonly payeeAccount: string | null;
}

const check = schemaCheck<Label>(LabelSchema);

/**
 * Checks a decoded body of `/v1/labels`.
 *
 * @throws AppError `invalid_label` that names the first wrong field, never its value.
 */
export function parseLabel(body: unknown): ParsedLabel {
  if (!check.is(body)) {
    const { field, problem } = check.problemOf(body);
    throw new AppError(
      'invalid_label',
      `${field === '' ? 'the label' : field} ${problem}`,
      field === '' ? {} : { field },
    );
  }
  const account = body.payeeAccount;
  return {
    label: body,
    endToEndId: body.endToEndId,
    state: body.state,
    eventTimeMicros: instant('eventTime', body.eventTime),
    reportedAtMicros: body.reportedAt === undefined ? null : instant('reportedAt', body.reportedAt),
    payeeAccount:
      account === undefined
        ? null
        : accountKey({ ispb: account.ispb, branch: account.branch ?? null, number: account.number }),
  };
}

function instant(field: string, text: string): number {
  const micros = microsOfInstant(text);
  if (micros === undefined) throw new AppError('invalid_label', `${field} ${NO_INSTANT}`, { field });
  return micros;
}
