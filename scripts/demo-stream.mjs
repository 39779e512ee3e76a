import { Agent, request } from 'node:http';
import { Client, credentials } from '@grpc/grpc-js';
import { loadScoringProto } from '../dist/events/scoring-proto.js';

/** Events in flight at once. */
const LANES = 16;
/** Of five payments one goes over gRPC. */
const GRPC_EVERY = 5;

/** Both ways into a running server. */
export function openWays(server) {
  const agent = new Agent({ keepAlive: true, maxSockets: LANES });
  const client = new Client(`127.0.0.1:${server.grpc}`, credentials.createInsecure());
  const { Score: method } = loadScoringProto().service;
  return {
    http: (line, path = '/v1/score') => post(agent, server.http, path, line),
    grpc: (line) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          method.path,
          (message) => method.requestSerialize(message),
          method.responseDeserialize,
          messageOf(JSON.parse(line)),
          (error, reply) => (error ? reject(error) : resolve(reply)),
        );
      }),
    close() {
      agent.destroy();
      client.close();
    },
  };
}

/**
 * Sends events over both ways and keeps the answers in `tally`; with `killAfter` the server is
 * killed once so many are sent, and what had no answer by then stands in `tally.unanswered`.
 */
export async function stream(ways, events, tally, { killAfter = Number.POSITIVE_INFINITY, kill } = {}) {
  let next = 0;
  let killed = false;
  const lane = async () => {
    while (next < events.length) {
      const index = next;
      next += 1;
      if (index === killAfter) {
        killed = true;
        await kill();
      }
      const event = events[index];
      if (killed || !(await sendOne(ways, event, index, tally))) tally.unanswered.push(event);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** A 503 says that the same request may be sent again: as a payment service does, within its own time. */
const MOST_TRIES = 20;

async function untilAnswered(send) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send();
    if (answer.status !== 503 || attempt === MOST_TRIES) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20 * attempt));
  }
}

async function sendOne(ways, { kind, line }, index, tally) {
  const began = performance.now();
  try {
    if (kind === 'label') {
      const { status } = await untilAnswered(() => ways.http(line, '/v1/labels'));
      if (status === 202) tally.labels += 1;
      return status === 202;
    }
    const payment = JSON.parse(line);
    const overGrpc = index % GRPC_EVERY === 0;
    if (overGrpc) await ways.grpc(line).catch(() => {});
    const elapsed = performance.now() - began;
    // The JSON of a gRPC answer is asked for as a repeat: both ways in give one decision.
    const { status, body, replayed } = await untilAnswered(() => ways.http(line));
    if (status !== 200) {
      if (status < 500) tally.refused += 1;
      return status < 500;
    }
    tally.elapsedMs.push(overGrpc ? elapsed : performance.now() - began);
    if (replayed && !overGrpc) tally.replays += 1;
    tally.answers.set(`${payment.endToEndId} ${payment.side}`, { line, body });
    return true;
  } catch {
    return false;
  }
}

function post(agent, port, path, line) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(line) };
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          body: Buffer.concat(chunks).toString(),
          replayed: response.headers['idempotent-replayed'] === 'true',
        }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(line);
  });
}

/** The ScoreRequest that says the same as a body of /v1/score. */
function messageOf({ amount, acceptedAt, device, ...rest }) {
  const times = ['enrolledAt', 'loggedInAt', 'limitRaisedAt', 'simChangedAt'];
  return {
    ...rest,
    amountCentavos: amount.replace('.', ''),
    acceptedAt: timestamp(acceptedAt),
    ...(device === undefined
      ? {}
      : {
          device: Object.fromEntries(
            Object.entries(device).map(([name, value]) => [name, times.includes(name) ? timestamp(value) : value]),
          ),
        }),
  };
}

function timestamp(text) {
  const ms = Date.parse(text);
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: (ms - seconds * 1000) * 1_000_000 };
}
