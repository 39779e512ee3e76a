import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** A request as the scripted server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What happens to a request in place of the ordinary: `serve` makes the store act, and gives its answer. */
export type Fault = (seen: SeenRequest, response: ServerResponse, serve: () => Answer) => void;

/** An answer of the server. */
export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
}

/** A very small S3 for one test, whose next answers are scripted. */
export interface ScriptedS3 {
  readonly endpoint: string;
  readonly objects: Map<string, { body: Buffer; headers: Record<string, string> }>;
  /** Parts of the uploads that are open, by their ids. */
  readonly uploads: Map<string, Map<number, Buffer>>;
  readonly seen: SeenRequest[];
  /** Taken by the next requests, one each; then all is ordinary again. */
  readonly faults: Fault[];
  /** Taken by every request that no fault takes. */
  always: Fault | undefined;
  keepsMarks: boolean;
  keepsCondition: boolean;
  stop(): void;
}

/** An answer with an Error document. */
export function refusal(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return { status, headers, body: `<Error><Code>${code}</Code><Message>so says the script</Message></Error>` };
}

/** Faults by name. */
export const FAULTS = {
  answer:
    (answer: Answer): Fault =>
    (_, response) =>
      send(response, answer),
  /** The store acts, and the answer is lost. */
  lostAfter: (): Fault => (_, response, serve) => {
    serve();
    response.destroy();
  },
  /** The request is lost before the store acts. */
  lostBefore: (): Fault => (_, response) => void response.destroy(),
  /** The store acts, and no answer comes. */
  hangAfter: (): Fault => (_, __, serve) => void serve(),
  hang: (): Fault => () => undefined,
  /** Half of the body comes, and the connection ends. */
  torn: (): Fault => (_, response, serve) => {
    const { status, body = '' } = serve();
    const bytes = Buffer.from(body as Uint8Array);
    response.writeHead(status, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length / 2));
    // Some time later, so that the client has had the half.
    setTimeout(() => response.destroy(), 20);
  },
  /** The body is shorter than its header says, and the connection is closed in good order. */
  wrongLength: (): Fault => (_, response, serve) => {
    const bytes = Buffer.from((serve().body ?? '') as Uint8Array);
    response.socket?.end(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length + 1}\r\n\r\n${bytes.toString('latin1')}`);
  },
  /** Another writer's object is there when the request is answered so. */
  rivalThen:
    (server: ScriptedS3, body: string, then: Fault): Fault =>
    (seen, response, serve) => {
      server.objects.set(decodeURIComponent(seen.url.pathname), { body: Buffer.from(body), headers: {} });
      then(seen, response, serve);
    },
} as const;

/** Starts one on a free port. */
export async function startScriptedS3(): Promise<ScriptedS3> {
  const http = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const seen: SeenRequest = {
        method: request.method ?? '',
        url: new URL(request.url ?? '', server.endpoint),
        headers: request.headers,
        body: Buffer.concat(pieces),
      };
      server.seen.push(seen);
      const fault = server.faults.shift() ?? server.always;
      if (fault === undefined) send(response, act(server, seen));
      else fault(seen, response, () => act(server, seen));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  const server: ScriptedS3 = {
    endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    objects: new Map(),
    uploads: new Map(),
    seen: [],
    faults: [],
    always: undefined,
    keepsMarks: true,
    keepsCondition: true,
    stop() {
      http.close();
      http.closeAllConnections();
    },
  };
  return server;
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  const bytes = Buffer.from(body as Uint8Array);
  response.writeHead(status, { 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

function act(server: ScriptedS3, seen: SeenRequest): Answer {
  const { method, url, headers, body } = seen;
  if (url.searchParams.has('uploads') || url.searchParams.has('uploadId')) return actOnUpload(server, seen);
  const path = decodeURIComponent(url.pathname);
  const found = server.objects.get(path);
  if (method === 'PUT') {
    if (server.keepsCondition && headers['if-none-match'] === '*' && found !== undefined)
      return refusal(412, 'PreconditionFailed');
    const mark = headers['x-amz-meta-put-id'];
    const kept = server.keepsMarks && typeof mark === 'string' ? { 'x-amz-meta-put-id': mark } : {};
    server.objects.set(path, { body, headers: kept as Record<string, string> });
    return { status: 200, headers: { etag: '"etag"' } };
  }
  if (method === 'DELETE') {
    server.objects.delete(path);
    return { status: 204 };
  }
  if (found === undefined) return refusal(404, 'NoSuchKey');
  return { status: 200, headers: found.headers, body: found.body };
}

function actOnUpload(server: ScriptedS3, { method, url, headers, body }: SeenRequest): Answer {
  const path = decodeURIComponent(url.pathname);
  const id = url.searchParams.get('uploadId') ?? '';
  if (url.searchParams.has('uploads')) {
    const made = `upload/${String(headers['x-amz-meta-put-id'])}`;
    server.uploads.set(made, new Map());
    const document = `<InitiateMultipartUploadResult><UploadId>${made}</UploadId></InitiateMultipartUploadResult>`;
    return { status: 200, body: document };
  }
  const parts = server.uploads.get(id);
  if (parts === undefined) return refusal(404, 'NoSuchUpload');
  if (method === 'PUT') {
    const number = Number(url.searchParams.get('partNumber'));
    parts.set(number, body);
    return { status: 200, headers: { etag: `"${number}"` } };
  }
  server.uploads.delete(id);
  if (method === 'DELETE') return { status: 204 };
  const order = [...body.toString().matchAll(/<ETag>"(\d+)"<\/ETag>/g)].map((match) => Number(match[1]));
  const whole = Buffer.concat(order.map((number) => parts.get(number) ?? Buffer.alloc(0)));
  server.objects.set(path, { body: whole, headers: { 'x-amz-meta-put-id': id.slice('upload/'.length) } });
  return { status: 200, body: '\n\n<CompleteMultipartUploadResult/>' };
}
