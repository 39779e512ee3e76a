import { type Static, Type } from 'typebox';
import { DOCUMENT_PATTERN, ISPB_PATTERN } from './documents.ts';
import { END_TO_END_ID_PATTERN } from './end-to-end-id.ts';
import { DATE_PATTERN, INSTANT_PATTERN } from './instant.ts';
import { AMOUNT_PATTERN } from './money.ts';

/** Whose payment service asks. */
export const SIDES = ['PAYER', 'PAYEE'] as const;
/** Whose payment service asks. */
export type Side = (typeof SIDES)[number];

/** Local instruments of pacs.008 1.16. */
export const LOCAL_INSTRUMENTS = ['MANU', 'DICT', 'QRDN', 'QRES', 'INIC', 'AUTO', 'APDN', 'APES'] as const;
/** Purposes: purchase or transfer, Troco, Saque, refund, fare. */
export const PURPOSES = ['IPAY', 'GSCB', 'OTHR', 'REFU', 'IPRT'] as const;
/** Account types of pacs.008. */
export const ACCOUNT_TYPES = ['CACC', 'SVGS', 'TRAN', 'SLRY', 'OTHR'] as const;

const closed = { additionalProperties: false } as const;
const oneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Unsafe<T[number]>(Type.String({ enum: values, description }));
const instant = (description: string) => Type.String({ pattern: INSTANT_PATTERN, maxLength: 27, description });
const date = (description: string) => Type.String({ pattern: DATE_PATTERN, maxLength: 10, description });
/** Counters of DICT fit 32 bits with room; a bound keeps every sum of them exact. */
const counter = () => Type.Integer({ minimum: 0, maximum: 2_000_000_000 });

const Account = Type.Object(
  {
    branch: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,4}$', description: 'Agência, where the institution has them' }),
    ),
    number: Type.String({ pattern: '^[0-9A-Za-z]{1,20}$', description: 'Account number with its check digit' }),
    type: oneOf(ACCOUNT_TYPES, 'Account type of pacs.008'),
    openedOn: Type.Optional(date('Day on which the account was opened')),
  },
  { ...closed, description: 'An account at the institution of its party' },
);

const Party = Type.Object(
  {
    ispb: Type.String({ pattern: ISPB_PATTERN, description: 'Institution, alphanumeric' }),
    document: Type.String({ pattern: DOCUMENT_PATTERN, description: 'CPF or alphanumeric CNPJ, no punctuation' }),
    account: Account,
  },
  { ...closed, description: 'Payer or payee' },
);

const Counter = Type.Object(
  { d90: counter(), m12: counter(), m60: counter() },
  { ...closed, description: 'A DICT counter over the last 90 days, 12 and 60 months' },
);

const DictStatistics = Type.Object(
  {
    watermark: date('Day up to which the counters count; 1970-01-01 says that there is no data'),
    settlements: Counter,
    applicationFrauds: Type.Optional(Counter),
    muleAccounts: Type.Optional(Counter),
    scammerAccounts: Type.Optional(Counter),
    otherFrauds: Type.Optional(Counter),
    unknownFrauds: Type.Optional(Counter),
    distinctFraudReporters: Type.Optional(Counter),
    openReports: Type.Optional(counter()),
    rejectedReports: Type.Optional(Counter),
    registeredAccounts: Type.Optional(counter()),
  },
  { ...closed, description: 'Statistics of DICT v2 for a person or a key' },
);

const Dict = Type.Object(
  {
    keyCreatedOn: Type.Optional(date('Day on which the key was made')),
    keyOwnedSince: Type.Optional(date('Day since which its owner has the key')),
    openClaim: Type.Optional(Type.Boolean({ description: 'A claim or portability of the key is open' })),
    person: Type.Optional(DictStatistics),
    key: Type.Optional(DictStatistics),
  },
  { ...closed, description: 'What the caller has from DICT, cached, about the payee' },
);

const Device = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: 64,
      pattern: '^[\\x21-\\x7e]+$',
      description: 'Opaque id of the device',
    }),
    enrolledAt: Type.Optional(instant('When the customer enrolled the device')),
    loggedInAt: Type.Optional(instant('When the session began')),
    limitRaisedAt: Type.Optional(instant('When a limit was last raised')),
    simChangedAt: Type.Optional(instant('When the SIM was last changed')),
    remoteAccess: Type.Optional(Type.Boolean({ description: 'A remote-access program is active' })),
    activeCall: Type.Optional(Type.Boolean({ description: 'A phone call is under way' })),
    locationAvailable: Type.Optional(Type.Boolean({ description: 'The device gives its location' })),
  },
  { ...closed, description: 'Device and session of the payer' },
);

/**
 * The body of `/v1/score`: a Pix payment seen from one side. This schema is the type, the
 * validator and the OpenAPI text; what a schema cannot say (check digits, real dates, keys and
 * instruments) is in `parse-payment.ts`.
 */
export const PaymentSchema = Type.Object(
  {
    endToEndId: Type.String({ pattern: END_TO_END_ID_PATTERN, description: 'EndToEndId, case-sensitive' }),
    side: oneOf(SIDES, 'Whose payment service asks'),
    amount: Type.String({ pattern: AMOUNT_PATTERN, maxLength: 13, description: 'BRL' }),
    acceptedAt: instant('AccptncDtTm: when the payer’s institution accepted the order'),
    payer: Party,
    payee: Party,
    pixKey: Type.Optional(
      Type.Object(
        {
          type: Type.String({
            pattern: '^[A-Z][A-Z0-9_]{0,31}$',
            description: 'CPF, CNPJ, PHONE, EMAIL, EVP; an unknown type scores degraded',
          }),
          value: Type.String({ minLength: 1, maxLength: 77 }),
        },
        closed,
      ),
    ),
    localInstrument: oneOf(LOCAL_INSTRUMENTS, 'How the payment was begun'),
    purpose: Type.Optional(oneOf(PURPOSES, 'What it is for; IPAY where absent')),
    device: Type.Optional(Device),
    dict: Type.Optional(Dict),
  },
  { ...closed, description: 'A Pix payment seen from one side' },
);

/** A valid body of `/v1/score`. */
export type Payment = Static<typeof PaymentSchema>;
/** DICT's statistics about a person or a key. */
export type PaymentDictStatistics = NonNullable<NonNullable<Payment['dict']>['person']>;
