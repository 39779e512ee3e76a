import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { linesOf, lineWriter } from './line-files.ts';

/** What is sent: a payment, a label or a correction, as a line of JSON. */
export interface TrafficEvent {
  readonly kind: 'payment' | 'label' | 'correction';
  readonly line: string;
}

/** Traffic in a file, which is read as it is sent: a million payments are 0.7 GB. */
export interface Traffic {
  /** An event a line: its kind, a space, its JSON. */
  readonly file: string;
  /** Events in it. */
  readonly count: number;
  /** When it was made: all of it happened before. */
  readonly madeAt: string;
}

/** How traffic is made. */
export interface TrafficOptions {
  readonly payments: number;
  readonly seed: number;
  /** The share of the payments that are corrected; none without it. */
  readonly corrected?: number;
}

/**
 * Simulated payments with late ones, duplicates and both sides, some of them made to tie to the
 * second, and labels and corrections among them; all in the past of today.
 *
 * @param run runs a command of the program.
 */
export async function writeTraffic(
  folder: string,
  { payments, seed, corrected = 0 }: TrafficOptions,
  run: (args: readonly string[]) => Promise<unknown>,
): Promise<Traffic> {
  const simulated = join(folder, 'payments.ndjson');
  const days = 30;
  const start = new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);
  const span = ['--days', String(days), '--start', start];
  const rates = ['--late', '0.01', '--duplicates', '0.01', '--fraud-rate', '0.02'];
  const options = ['--count', String(payments), '--seed', String(seed), ...span, ...rates];
  await run(['simulate', '--json', ...options, '--out', simulated]);
  const madeAt = new Date().toISOString();
  const labels = readFileSync(`${simulated}.labels.ndjson`, 'utf8').split('\n').filter(Boolean);
  const file = join(folder, 'traffic');
  const writer = lineWriter(file);
  let count = 0;
  for (const { kind, line } of withCorrections(withLabels(linesOf(simulated), labels, madeAt), corrected)) {
    writer.write(`${kind} ${line}`);
    count += 1;
  }
  writer.end();
  return { file, count, madeAt };
}

function* withLabels(payments: Iterable<string>, labels: readonly string[], now: string): Generator<TrafficEvent> {
  const timed = labels
    .map((line) => ({ line, at: (JSON.parse(line) as { eventTime: string }).eventTime }))
    .filter(({ at }) => at < now);
  let label = 0;
  let newest = '';
  let index = -1;
  for (const line of payments) {
    index += 1;
    const { acceptedAt } = JSON.parse(line) as { acceptedAt: string };
    if (acceptedAt >= now) continue;
    if (acceptedAt > newest) newest = acceptedAt;
    for (let next = timed[label]; next !== undefined && next.at < newest; next = timed[label]) {
      yield { kind: 'label', line: next.line };
      label += 1;
    }
    const tied = index % 10 === 0 ? line.replace(acceptedAt, `${acceptedAt.slice(0, 17)}00.000Z`) : line;
    yield { kind: 'payment', line: tied };
  }
}

/**
 * Corrections of some payments, a while after them: half take the payment back, the others change its payee, its amount
 * or its time; some payments are corrected again.
 *
 * @param share of the payments.
 */
function* withCorrections(events: Iterable<TrafficEvent>, share: number): Generator<TrafficEvent> {
  const every = share === 0 ? Number.POSITIVE_INFINITY : Math.round(1 / share);
  const after = new Map<number, TrafficEvent[]>();
  const add = (at: number, line: string): void => {
    after.set(at, [...(after.get(at) ?? []), { kind: 'correction', line }]);
  };
  let at = -1;
  let number = -1;
  let other = '';
  for (const event of events) {
    at += 1;
    yield event;
    if (event.kind === 'payment') {
      number += 1;
      if (number > 0 && number % every === 0) {
        const turn = number / every;
        const place = at + 1 + ((number * 37) % 800);
        add(place, correctionOf(event.line, other, turn));
        if (turn % 5 === 0) add(place + 100, correctionOf(event.line, other, turn + 1));
      }
      other = event.line;
    }
    yield* after.get(at) ?? [];
    after.delete(at);
  }
  // Of the last payments, whose while is over with the traffic.
  for (const place of [...after.keys()].sort((a, b) => a - b)) yield* after.get(place) ?? [];
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

/** The events of traffic, from its beginning. */
export function* eventsOf({ file }: Pick<Traffic, 'file'>): Generator<TrafficEvent, undefined> {
  for (const text of linesOf(file)) {
    const space = text.indexOf(' ');
    yield { kind: text.slice(0, space) as TrafficEvent['kind'], line: text.slice(space + 1) };
  }
  return undefined;
}
