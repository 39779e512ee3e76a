import { type Static, Type } from 'typebox';
import { END_TO_END_ID_PATTERN } from './end-to-end-id.ts';
import { INSTANT_PATTERN } from './instant.ts';
import { PaymentSchema } from './payment.ts';

/** The body of `/v1/corrections`: a payment was not, or not as it was presented. */
export const CorrectionSchema = Type.Object(
  {
    endToEndId: Type.String({
      pattern: END_TO_END_ID_PATTERN,
      description: 'The id of the payment that is corrected; it may be one that we never saw',
    }),
    correctedAt: Type.String({ pattern: INSTANT_PATTERN, maxLength: 27, description: 'When it was corrected' }),
    payment: Type.Optional(PaymentSchema),
  },
  {
    additionalProperties: false,
    description: 'A correction: with `payment` the payment as it is now, without it the payment is no event any more',
  },
);

/** A valid body of `/v1/corrections`. */
export type Correction = Static<typeof CorrectionSchema>;
