import type { RecordSource } from './journal-record.ts';
import { loadScoringProto, type ScoringProto } from './scoring-proto.ts';

/** Turns the raw bytes of a journal's payment into the body of `/v1/score` that they say. */
export interface PaymentCodec {
  /** @throws SyntaxError or AppError for bytes that no way in would have taken. */
  decodeBody(source: RecordSource, raw: Uint8Array): unknown;
  /** Media type of the raw bytes. */
  contentTypeOf(source: RecordSource): string;
}

/** A codec that loads the proto definition when the first gRPC payment comes. */
export function paymentCodec(): PaymentCodec {
  let proto: ScoringProto | undefined;
  return {
    decodeBody(source, raw) {
      if (source !== 'grpc')
        return JSON.parse(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('utf8'));
      proto ??= loadScoringProto();
      return proto.decodeRequest(raw);
    },
    contentTypeOf: (source) => (source === 'grpc' ? 'application/grpc+proto' : 'application/json'),
  };
}
