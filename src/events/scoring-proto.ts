import type { ServiceDefinition } from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';
import { AppError } from '../base/errors.ts';
import { bodyOfCorrection, bodyOfMessage } from './score-message.ts';

/** Full name of the gRPC service. */
export const SCORING_SERVICE = 'sentinela.scoring.v1.Scoring';

/** `proto/`, beside `src/` and `dist/` alike. */
const PROTO_FOLDER = new URL('../../proto', import.meta.url).pathname;

/** The loaded `scoring.proto` and what both the server and the lake need of it. */
export interface ScoringProto {
  readonly definition: PackageDefinition;
  readonly service: ServiceDefinition;
  /**
   * The body of `/v1/score` that the bytes of a `ScoreRequest` say.
   *
   * @throws AppError `invalid_protobuf` for bytes that are no message.
   */
  decodeRequest(raw: Uint8Array): Record<string, unknown>;
  /**
   * The body of `/v1/corrections` that the bytes of a `CorrectRequest` say.
   *
   * @throws AppError `invalid_protobuf` for bytes that are no message.
   */
  decodeCorrection(raw: Uint8Array): Record<string, unknown>;
}

/** Reads the definition; 30 ms, so done once and not before it is needed. */
export function loadScoringProto(): ScoringProto {
  const definition = loadSync('sentinela/scoring/v1/scoring.proto', {
    includeDirs: [PROTO_FOLDER],
    longs: String,
    enums: String,
    defaults: false,
    oneofs: false,
  });
  const service = definition[SCORING_SERVICE] as ServiceDefinition | undefined;
  if (service === undefined) throw new Error(`scoring.proto has no ${SCORING_SERVICE}`);
  const score = decoderOf(service, 'Score');
  const correct = decoderOf(service, 'Correct');
  return {
    definition,
    service,
    decodeRequest: (raw) => bodyOfMessage(score(raw)),
    decodeCorrection: (raw) => bodyOfCorrection(correct(raw)),
  };
}

/** Decodes requests of a method. */
function decoderOf(service: ServiceDefinition, method: string): (raw: Uint8Array) => Record<string, unknown> {
  const decode = service[method]?.requestDeserialize as ((bytes: Buffer) => Record<string, unknown>) | undefined;
  if (decode === undefined) throw new Error(`scoring.proto has no Scoring.${method}`);
  return (raw) => {
    try {
      return decode(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength));
    } catch {
      throw new AppError('invalid_protobuf', `the ${raw.length} bytes are no ${method}Request`);
    }
  };
}
