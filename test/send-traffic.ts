import { Agent, request } from 'node:http';
import { type LineWriter, lineWriter } from './line-files.ts';
import type { RunningServer } from './running-server.ts';
import { eventsOf, type Traffic, type TrafficEvent } from './traffic.ts';

/** Some of the traffic, in its order. */
export interface TrafficPart {
  readonly count: number;
  next(): TrafficEvent | undefined;
}

/** What became of traffic. */
export interface Tally {
  /** What was answered: endToEndId and side, one after another; some twice. */
  readonly answered: LineWriter;
  /** Sent, and not answered when a server went away. */
  readonly unanswered: TrafficEvent[];
  labels: number;
  corrections: number;
  degraded: number;
}

/** An empty tally. @param file that what is answered is written to, CSV with a header. */
export function newTally(file: string): Tally {
  const answered = lineWriter(file);
  answered.write('end_to_end_id,side');
  return { answered, unanswered: [], labels: 0, corrections: 0, degraded: 0 };
}

/** Reads traffic part by part. @returns gives the next so many events, behind those that are to be sent first. */
export function partsOf(traffic: Traffic): (count: number, first?: readonly TrafficEvent[]) => TrafficPart {
  const events = eventsOf(traffic);
  let given = 0;
  return (wanted, first = []) => {
    const own = Math.min(wanted, traffic.count - given);
    given += own;
    return partOf(first, own, events);
  };
}

/** Events, and behind them so many more. */
export function partOf(
  first: readonly TrafficEvent[],
  more = 0,
  events: Iterator<TrafficEvent, undefined> = [].values(),
): TrafficPart {
  let at = 0;
  return {
    count: first.length + more,
    next() {
      at += 1;
      if (at <= first.length) return first[at - 1];
      return at <= first.length + more ? events.next().value : undefined;
    },
  };
}

const ROUTES = { payment: '/v1/score', label: '/v1/labels', correction: '/v1/corrections' } as const;

/**
 * Sends events in order, so many at once. Of several servers each (endToEndId, side) has its own, as
 * behind a balancer that hashes: answers are remembered by the server that gave them.
 *
 * @param at is told the place in the part of each event before it is sent.
 */
export async function send(
  servers: readonly RunningServer[],
  part: TrafficPart,
  tally: Tally,
  lanes = 16,
  at: (index: number) => void = () => {},
): Promise<void> {
  let sent = 0;
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const lane = async (): Promise<void> => {
    for (let event = part.next(); event !== undefined; event = part.next()) {
      at(sent);
      sent += 1;
      const server = servers[laneOf(event) % servers.length];
      if (server === undefined) return;
      if (!(await sendOne(agent, server, event, tally))) tally.unanswered.push(event);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  agent.destroy();
}

const ID = /"endToEndId":"([^"]{32})"/;

/** A number that repeats for the same id and side. */
function laneOf({ kind, line }: TrafficEvent): number {
  const id = ID.exec(line)?.[1] ?? '';
  return (id.codePointAt(31) ?? 0) + (kind === 'payment' && line.includes('"side":"PAYEE"') ? 1 : 0);
}

async function sendOne(
  agent: Agent,
  server: RunningServer,
  { kind, line }: TrafficEvent,
  tally: Tally,
): Promise<boolean> {
  const answer = await post(agent, `${server.url}${ROUTES[kind]}`, line);
  if (answer === undefined || answer.status >= 500) return false;
  if (kind === 'label') {
    tally.labels += answer.status === 202 ? 1 : 0;
    return true;
  }
  if (kind === 'correction') {
    tally.corrections += answer.status === 202 ? 1 : 0;
    return true;
  }
  if (answer.status !== 200) return true;
  const decision = JSON.parse(answer.body) as { endToEndId: string; side: string; degraded: string[] };
  if (decision.degraded.includes('store_unavailable')) tally.degraded += 1;
  tally.answered.write(`${decision.endToEndId},${decision.side}`);
  return true;
}

/** Undefined where the server went away. Plain HTTP, for `fetch` takes as long as the server does. */
function post(agent: Agent, url: string, line: string): Promise<{ status: number; body: string } | undefined> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(line) };
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', () => resolve(undefined));
    });
    sent.on('error', () => resolve(undefined));
    sent.end(line);
  });
}
