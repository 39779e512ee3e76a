import { type Client, Metadata, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';

/** A method as a client has it. */
export type Method = MethodDefinition<unknown, unknown>;

/** What came back of a call. */
export interface Reply {
  readonly error: ServiceError | null;
  readonly response: Record<string, unknown> | undefined;
  readonly replayed: boolean;
}

/** Sends bytes as a request of a method. */
export function callUnary(client: Client, method: Method | undefined, bytes: Buffer): Promise<Reply> {
  return new Promise((resolve) => {
    let replayed = false;
    const call = client.makeUnaryRequest(
      method?.path ?? '',
      (value: Buffer) => value,
      (value: Buffer) => method?.responseDeserialize(value) as Record<string, unknown>,
      bytes,
      new Metadata(),
      (error, response) => resolve({ error, response, replayed }),
    );
    call.on('metadata', (metadata) => {
      replayed = metadata.get('idempotent-replayed')[0] === 'true';
    });
  });
}
