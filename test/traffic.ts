import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sentinela } from './running-program.ts';
import { newDataDir, type RunningServer } from './running-server.ts';

/** What is sent: a payment, a label or a correction, as a line of JSON. */
export interface TrafficEvent {
  readonly kind: 'payment' | 'label' | 'correction';
  readonly line: string;
}

/** What became of traffic. */
export interface Tally {
  /** What was answered: endToEndId and side. */
  readonly answered: Set<string>;
  /** Sent, and not answered when a server went away. */
  readonly unanswered: TrafficEvent[];
  labels: number;
  corrections: number;
  degraded: number;
}

/** An empty tally. */
export function newTally(): Tally {
  return { answered: new Set(), unanswered: [], labels: 0, corrections: 0, degraded: 0 };
}

/**
 * Simulated payments with late ones, duplicates and both sides, some of them made to tie to the
 * second, and labels among them; all in the past of today.
 */
export function simulatedTraffic(count: number, seed: number): TrafficEvent[] {
  const folder = newDataDir();
  const file = join(folder, 'payments.ndjson');
  const days = 30;
  const start = new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  const options = [
    '--days',
    String(days),
    '--start',
    start,
    '--late',
    '0.01',
    '--duplicates',
    '0.01',
    '--fraud-rate',
    '0.02',
  ];
  sentinela('simulate', '--json', '--count', String(count), '--seed', String(seed), '--out', file, ...options);
  const now = new Date().toISOString();
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  const labels = readFileSync(`${file}.labels.ndjson`, 'utf8').split('\n').filter(Boolean);
  const timed = labels
    .map((line) => ({ line, at: (JSON.parse(line) as { eventTime: string }).eventTime }))
    .filter(({ at }) => at < now);
  const events: TrafficEvent[] = [];
  let newest = '';
  for (const [index, line] of lines.entries()) {
    const { acceptedAt } = JSON.parse(line) as { acceptedAt: string };
    if (acceptedAt >= now) continue;
    if (acceptedAt > newest) newest = acceptedAt;
    while (timed[0] !== undefined && timed[0].at < newest)
      events.push({ kind: 'label', line: timed.shift()?.line ?? '' });
    const tied = index % 10 === 0 ? line.replace(acceptedAt, `${acceptedAt.slice(0, 17)}00.000Z`) : line;
    events.push({ kind: 'payment', line: tied });
  }
  return events;
}

/**
 * The same traffic with corrections of some payments, a while after them: half take the payment back, the others change
 * its payee, its amount or its time; some payments are corrected again.
 *
 * @param share of the payments.
 */
export function withCorrections(events: readonly TrafficEvent[], share: number): TrafficEvent[] {
  const payments = events.flatMap(({ kind, line }, at) => (kind === 'payment' ? [{ at, line }] : []));
  const every = Math.round(1 / share);
  const after = new Map<number, TrafficEvent[]>();
  const add = (at: number, line: string): void => {
    const place = Math.min(at, events.length - 1);
    after.set(place, [...(after.get(place) ?? []), { kind: 'correction', line }]);
  };
  for (let number = every; number < payments.length; number += every) {
    const [payment, other] = [payments[number], payments[number - 1]];
    if (payment === undefined || other === undefined) continue;
    const turn = Math.floor(number / every);
    const wait = 1 + ((number * 37) % 800);
    add(payment.at + wait, correctionOf(payment.line, other.line, turn));
    if (turn % 5 === 0) add(payment.at + wait + 100, correctionOf(payment.line, other.line, turn + 1));
  }
  return events.flatMap((event, at) => [event, ...(after.get(at) ?? [])]);
}

/** @param turn which kind of correction comes. */
function correctionOf(line: string, otherLine: string, turn: number): string {
  const [payment, other] = [JSON.parse(line), JSON.parse(otherLine)] as Record<string, unknown>[];
  const { endToEndId, side, acceptedAt, payer, device } = payment ?? {};
  const head = { endToEndId, correctedAt: acceptedAt };
  const replacements = [
    { ...other, endToEndId, side, acceptedAt, payer, ...(device === undefined ? {} : { device }) },
    { ...payment, amount: `${turn + 1}.07` },
    { ...payment, acceptedAt: new Date(Date.parse(String(acceptedAt)) - 7_200_000).toISOString() },
  ];
  if (turn % 2 === 0) return JSON.stringify(head);
  return JSON.stringify({ ...head, payment: replacements[((turn - 1) / 2) % replacements.length] });
}

const ROUTES = { payment: '/v1/score', label: '/v1/labels', correction: '/v1/corrections' } as const;

/**
 * Sends events in order, so many at once. Of several servers each (endToEndId, side) has its own, as
 * behind a balancer that hashes: answers are remembered by the server that gave them.
 */
export async function send(
  servers: readonly RunningServer[],
  events: readonly TrafficEvent[],
  tally: Tally,
  lanes = 16,
  at: (index: number) => void = () => {},
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < events.length) {
      const index = next;
      next += 1;
      at(index);
      const event = events[index];
      const server = event === undefined ? undefined : servers[laneOf(event) % servers.length];
      if (event === undefined || server === undefined) return;
      if (!(await sendOne(server, event, tally))) tally.unanswered.push(event);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** A number that repeats for the same id and side. */
function laneOf({ kind, line }: TrafficEvent): number {
  const { endToEndId, side } = JSON.parse(line) as { endToEndId: string; side?: string };
  return (endToEndId.codePointAt(31) ?? 0) + (kind === 'payment' && side === 'PAYEE' ? 1 : 0);
}

async function sendOne(server: RunningServer, { kind, line }: TrafficEvent, tally: Tally): Promise<boolean> {
  try {
    const response = await server.post(ROUTES[kind], line);
    const body = await response.text();
    if (response.status >= 500) return false;
    if (kind === 'label') {
      tally.labels += response.status === 202 ? 1 : 0;
      return true;
    }
    if (kind === 'correction') {
      tally.corrections += response.status === 202 ? 1 : 0;
      return true;
    }
    if (response.status !== 200) return true;
    const decision = JSON.parse(body) as { endToEndId: string; side: string; degraded: string[] };
    if (decision.degraded.includes('store_unavailable')) tally.degraded += 1;
    tally.answered.add(`${decision.endToEndId} ${decision.side}`);
    return true;
  } catch {
    return false;
  }
}
