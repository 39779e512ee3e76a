import type { RecordSource } from './journal-record.ts';
import { loadScoringProto, type ScoringProto } from './scoring-proto.ts';

/** Turns the raw bytes of a journal's payments and corrections into the bodies that they say, whichever way in they came. */
export interface PaymentCodec {
  /**
   * The body of `/v1/score`.
   *
   * @throws SyntaxError or AppError for bytes that no way in would have taken.
   */
  decodeBody(source: RecordSource, raw: Uint8Array): unknown;
  /** The body of `/v1/corrections`. @throws as {@link decodeBody}. */
  decodeCorrection(source: RecordSource, raw: Uint8Array): unknown;
  /** Media type of the raw bytes. */
  contentTypeOf(source: RecordSource): string;
}

/** A codec that loads the proto definition when the first record of gRPC comes. */
export function paymentCodec(): PaymentCodec {
  let loaded: ScoringProto | undefined;
  const proto = (): ScoringProto => {
    loaded ??= loadScoringProto();
    return loaded;
  };
  return {
    decodeBody: (source, raw) => (source === 'grpc' ? proto().decodeRequest(raw) : jsonOf(raw)),
    decodeCorrection: (source, raw) => (source === 'grpc' ? proto().decodeCorrection(raw) : jsonOf(raw)),
    contentTypeOf: (source) => (source === 'grpc' ? 'application/grpc+proto' : 'application/json'),
  };
}

function jsonOf(raw: Uint8Array): unknown {
  return JSON.parse(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('utf8'));
}
