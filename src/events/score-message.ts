import { AppError, type ErrorCode } from '../base/errors.ts';
import type { Decision } from '../domain/decision.ts';
import { instantOfMicros, microsOfInstant, NO_INSTANT } from '../domain/instant.ts';
import { amountOf, MAX_AMOUNT_CENTAVOS } from '../domain/money.ts';
import { ofReplacement } from '../domain/parse-correction.ts';

/** A decoded message: fields that were not sent are absent. */
type Message = { readonly [field: string]: unknown };

/**
 * The body of `/v1/score` that a `ScoreRequest` says: from here on both ways in are one, checks,
 * canonical form and answer.
 *
 * @throws AppError `invalid_payment` for what the JSON form cannot even write.
 */
export function bodyOfMessage(message: Message): Record<string, unknown> {
  return compact({
    endToEndId: message.endToEndId ?? '',
    side: message.side === 'SIDE_UNSPECIFIED' ? undefined : message.side,
    amount: amountText(message.amountCentavos),
    acceptedAt: instantText('acceptedAt', message.acceptedAt),
    payer: party(message.payer),
    payee: party(message.payee),
    pixKey: withDefaults(message.pixKey, { type: '', value: '' }),
    localInstrument: message.localInstrument,
    purpose: message.purpose,
    device: device(message.device),
    dict: dict(message.dict),
  });
}

/**
 * The body of `/v1/corrections` that a `CorrectRequest` says.
 *
 * @throws AppError `invalid_correction` for what the JSON form cannot even write.
 */
export function bodyOfCorrection(message: Message): Record<string, unknown> {
  const { payment } = message;
  return compact({
    endToEndId: message.endToEndId ?? '',
    correctedAt: instantText('correctedAt', message.correctedAt, 'invalid_correction'),
    payment: isMessage(payment) ? ofReplacement(() => bodyOfMessage(payment)) : undefined,
  });
}

/** The `ScoreResponse` of a decision. */
export function messageOfDecision(decision: Decision): Message {
  const { score, expiresAt, decidedAt, ...rest } = decision;
  return compact({
    ...rest,
    score: score ?? undefined,
    expiresAt: expiresAt === undefined ? undefined : timestamp(expiresAt),
    decidedAt: timestamp(decidedAt),
  });
}

function amountText(value: unknown): string {
  const centavos = Number(value ?? 0);
  if (!Number.isSafeInteger(centavos) || centavos < 0 || centavos > MAX_AMOUNT_CENTAVOS) {
    throw new AppError('invalid_payment', `amount_centavos must be between 0 and ${MAX_AMOUNT_CENTAVOS}`, {
      field: 'amount_centavos',
    });
  }
  return amountOf(centavos);
}

/** What microseconds in a double, and so our tables, can hold. */
const MOST_SECONDS = Math.floor(Number.MAX_SAFE_INTEGER / 1_000_000);

function instantText(field: string, value: unknown, code: ErrorCode = 'invalid_payment'): string | undefined {
  if (!isMessage(value)) return undefined;
  const seconds = Number(value.seconds ?? 0);
  const nanos = Number(value.nanos ?? 0);
  if (!(Math.abs(seconds) < MOST_SECONDS) || !(nanos >= 0 && nanos <= 999_999_999)) {
    throw new AppError(code, `${field} ${NO_INSTANT}`, { field });
  }
  return instantOfMicros(seconds * 1_000_000 + Math.floor(nanos / 1000));
}

function timestamp(text: string): Message {
  const micros = microsOfInstant(text) ?? 0;
  const seconds = Math.floor(micros / 1_000_000);
  return { seconds, nanos: (micros - seconds * 1_000_000) * 1000 };
}

function party(value: unknown): Message | undefined {
  if (!isMessage(value)) return undefined;
  return compact({
    ispb: value.ispb ?? '',
    document: value.document ?? '',
    account: withDefaults(value.account, { number: '', type: '' }),
  });
}

function device(value: unknown): Message | undefined {
  if (!isMessage(value)) return undefined;
  return compact({
    ...value,
    id: value.id ?? '',
    enrolledAt: instantText('device.enrolledAt', value.enrolledAt),
    loggedInAt: instantText('device.loggedInAt', value.loggedInAt),
    limitRaisedAt: instantText('device.limitRaisedAt', value.limitRaisedAt),
    simChangedAt: instantText('device.simChangedAt', value.simChangedAt),
  });
}

function dict(value: unknown): Message | undefined {
  if (!isMessage(value)) return undefined;
  return compact({ ...value, person: statistics(value.person), key: statistics(value.key) });
}

/** Members of a counter that are 0 are not on the wire. */
const ZERO_COUNTER = { d90: 0, m12: 0, m60: 0 };

function statistics(value: unknown): Message | undefined {
  if (!isMessage(value)) return undefined;
  const members: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    members[name] = isMessage(member) ? withDefaults(member, ZERO_COUNTER) : member;
  }
  return compact({ watermark: '', ...members });
}

function withDefaults(value: unknown, defaults: Message): Message | undefined {
  return isMessage(value) ? compact({ ...defaults, ...value }) : undefined;
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null;
}

function compact(message: Message): Record<string, unknown> {
  return Object.fromEntries(
    // Names that begin with "_" are proto-loader's own marks of optional fields.
    Object.entries(message).filter(([name, value]) => value !== undefined && value !== null && !name.startsWith('_')),
  );
}
