import { type Static, Type } from 'typebox';
import { ISPB_PATTERN } from './documents.ts';
import { END_TO_END_ID_PATTERN } from './end-to-end-id.ts';
import { INSTANT_PATTERN } from './instant.ts';

/** The four states of a contest. `CONTESTED` is not fraud: only `AGREED` is. */
export const LABEL_STATES = ['CONTESTED', 'AGREED', 'DISAGREED', 'CANCELLED'] as const;
/** The four states of a contest. */
export type LabelState = (typeof LABEL_STATES)[number];

/** MED's own status of a refund request, kept beside our state. */
export const MED_STATUSES = [
  'CREATED',
  'TRACKED',
  'AWAITING_ANALYSIS',
  'ANALYSED',
  'REFUNDING',
  'COMPLETED',
  'CANCELLED',
] as const;

/** The body of `/v1/labels`: a payment's contest changed its state at `eventTime`. */
export const LabelSchema = Type.Object(
  {
    endToEndId: Type.String({
      pattern: END_TO_END_ID_PATTERN,
      description: 'The payment’s id; it may be one that we never saw',
    }),
    state: Type.Unsafe<LabelState>(Type.String({ enum: LABEL_STATES, description: 'State of the contest' })),
    eventTime: Type.String({ pattern: INSTANT_PATTERN, maxLength: 27, description: 'When the state changed' }),
    medStatus: Type.Optional(
      Type.Unsafe<(typeof MED_STATUSES)[number]>(Type.String({ enum: MED_STATUSES, description: 'MED’s own status' })),
    ),
    payeeAccount: Type.Optional(
      Type.Object(
        {
          ispb: Type.String({ pattern: ISPB_PATTERN }),
          branch: Type.Optional(Type.String({ pattern: '^[0-9]{1,4}$' })),
          number: Type.String({ pattern: '^[0-9A-Za-z]{1,20}$' }),
        },
        { additionalProperties: false, description: 'The payee’s account, where the caller knows it' },
      ),
    ),
    reportedAt: Type.Optional(
      Type.String({
        pattern: INSTANT_PATTERN,
        maxLength: 27,
        description: 'When the caller says that it learned this',
      }),
    ),
  },
  { additionalProperties: false, description: 'A label: a state of a payment’s contest' },
);

/** A valid body of `/v1/labels`. */
export type Label = Static<typeof LabelSchema>;
