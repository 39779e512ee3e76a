import { type Random, seededRandom } from '../base/random.ts';
import { type TimeHeap, timeHeap } from '../base/time-heap.ts';
import type { Side } from '../domain/payment.ts';
import { accounts } from './accounts.ts';
import { type SimulatedHour, simulatedHours } from './brazilian-calendar.ts';
import { contestOf, type PlannedLabel } from './contest-labels.ts';
import { fraudCampaigns } from './fraud-campaigns.ts';
import { honestPayment, wage } from './honest-payments.ts';
import { malformed } from './malformed-lines.ts';
import type { SimulationOptions } from './options.ts';
import { type PaymentTexts, paymentTexts } from './payment-text.ts';
import { correctionsOf } from './planned-corrections.ts';
import type { PlannedPayment, Story } from './planned-payment.ts';
import { population } from './population.ts';
import { DAY, HOUR, type Scene } from './scene.ts';

/** A line in its order of arrival. Only `text` leaves the program; the rest is for tests and figures. */
export interface SimulatedLine {
  readonly kind: 'payment' | 'duplicate' | 'malformed' | 'label' | 'correction';
  /** When it arrives; a label at its event time, a correction when it was made. */
  readonly atMicros: number;
  readonly text: string;
  /** Null for a label and a correction. */
  readonly story: Story | null;
}

/** What was made so far. */
export interface SimulationFigures {
  /** Well-formed first lines. */
  payments: number;
  /** Of these, the second line of a payment that was seen from the other side. */
  secondSides: number;
  /** Of `payments`, those that are fraud. */
  frauds: number;
  late: number;
  duplicates: number;
  malformed: number;
  labels: number;
  corrections: number;
}

/** Lines one after the other, and the figures of those that were taken. */
export interface Simulation extends Iterable<SimulatedLine> {
  readonly figures: Readonly<SimulationFigures>;
}

/** Lines that may wait for their arrival: 20 MB. Beyond it the rest is on time. */
const WAITING_LINES = 20_000;
/** Payments that the payee's institution has scored as well. */
const SECOND_SIDE_SHARE = 0.12;

/**
 * Simulates Pix payments as a payment service would send them, and the contests that follow. The
 * same options give the same lines. Memory grows with what is under way (and 100 bytes a mule),
 * not with `count`: everything about a person follows from the seed.
 */
export function simulate(options: SimulationOptions): Simulation {
  const figures = noFigures();
  return { figures, [Symbol.iterator]: () => linesOf(options, figures) };
}

function noFigures(): SimulationFigures {
  return {
    payments: 0,
    secondSides: 0,
    frauds: 0,
    late: 0,
    duplicates: 0,
    malformed: 0,
    labels: 0,
    corrections: 0,
  };
}

/** The stream of chance that corrections are drawn from. */
const CORRECTIONS = 15;

/** All that changes while lines are made. */
interface Run {
  readonly options: SimulationOptions;
  readonly figures: SimulationFigures;
  readonly random: Random;
  readonly texts: PaymentTexts;
  readonly scene: Scene;
  /** Payments that were decided on and are still to be made. */
  readonly plans: TimeHeap<PlannedPayment>;
  /** Lines that are made and still to arrive. */
  readonly arrivals: TimeHeap<SimulatedLine>;
  readonly labels: TimeHeap<PlannedLabel>;
  /** Chance of corrections alone: with and without them the rest is the same. */
  readonly corrector: Random;
  /** Texts of corrections that are still to be made. */
  readonly corrections: TimeHeap<string>;
  /** Payee of the last payment that was made. */
  lastPayee: number | null;
  /** Lines of `count` that are made, whether they have arrived or not. */
  made: number;
  serial: number;
  /** Fraud that is owed: grows with each line, shrinks with each campaign. */
  fraudOwed: number;
  /** Wages still to be paid today. */
  wagesLeft: number;
}

function* linesOf(options: SimulationOptions, figures: SimulationFigures): Generator<SimulatedLine> {
  Object.assign(figures, noFigures());
  const hours = simulatedHours(options.startMicros, options.days);
  const run = newRun(options, figures, hours[0]?.day ?? 0);
  const campaigns = fraudCampaigns(run.scene);
  const weights = hours.reduce((sum, hour) => sum + hour.weight, 0);
  let weight = 0;
  for (const [at, hour] of hours.entries()) {
    weight += hour.weight;
    const target = at === hours.length - 1 ? options.count : Math.round((options.count * weight) / weights);
    if (hour.payday && hour.hour === 6) run.wagesLeft = run.scene.who.wages;
    const slots = Math.max(0, Math.ceil((target - run.made) / (1 + SECOND_SIDE_SHARE)));
    for (let slot = 0; slot < slots && run.made < target; slot += 1) {
      const now =
        hour.startMicros + Math.floor(((slot + run.random.next()) / slots) * (hour.lengthMicros / 1000)) * 1000;
      yield* due(run, now, hour);
      if (run.made >= target) break;
      const plan = payWages(run, hour, now) ?? honestPayment(run.scene, { atMicros: now, hour });
      yield* make(run, plan, now, hour.day);
      if (run.fraudOwed > 4 * run.random.next()) {
        run.fraudOwed -= campaigns.begin({ atMicros: now, hour }) * (1 + SECOND_SIDE_SHARE);
      }
    }
  }
  yield* finish(run, hours.at(-1));
}

function newRun(options: SimulationOptions, figures: SimulationFigures, firstDay: number): Run {
  const { seed, count, days } = options;
  const random = seededRandom(seed);
  const of = accounts(seed, firstDay, Math.ceil(days));
  const plans = timeHeap<PlannedPayment>();
  const texts = paymentTexts(seed, of);
  const scene: Scene = {
    seed,
    random,
    of,
    who: population(seed, count, days, of),
    later: (at, plan) => plans.push(Math.floor(at / 1000) * 1000, plan),
  };
  return {
    options,
    figures,
    random,
    texts,
    scene,
    plans,
    arrivals: timeHeap(),
    labels: timeHeap(),
    corrector: seededRandom(seed, CORRECTIONS),
    corrections: timeHeap(),
    lastPayee: null,
    made: 0,
    serial: 0,
    fraudOwed: 0,
    wagesLeft: 0,
  };
}

/** On a payday every other payment of the morning is a wage, employer by employer. */
function payWages(run: Run, hour: SimulatedHour, now: number): PlannedPayment | undefined {
  if (run.wagesLeft === 0 || !hour.payday || hour.hour < 6 || !run.random.chance(0.6)) return undefined;
  run.wagesLeft -= 1;
  return wage(run.scene, run.wagesLeft, { atMicros: now, hour });
}

/** Everything whose time has come before `now`, in the order of its times. */
function* due(run: Run, now: number, hour: SimulatedHour): Generator<SimulatedLine> {
  for (;;) {
    const plan = run.plans.nextMicros();
    const line = run.arrivals.nextMicros();
    const label = run.labels.nextMicros();
    const correction = run.corrections.nextMicros();
    if (Math.min(plan, line, label, correction) > now) return;
    if (correction < Math.min(plan, line, label)) {
      run.figures.corrections += 1;
      yield { kind: 'correction', atMicros: correction, text: run.corrections.pop(), story: null };
    } else if (plan <= line && plan <= label) {
      const next = run.plans.pop();
      if (run.made < run.options.count) yield* make(run, next, plan, hour.day);
    } else if (line <= label) {
      yield arrive(run, run.arrivals.pop());
    } else {
      run.figures.labels += 1;
      yield { kind: 'label', atMicros: label, text: run.texts.label(run.labels.pop()), story: null };
    }
  }
}

/** Makes a payment's lines: the first arrives now unless it is late, the others wait for their time. */
function* make(run: Run, plan: PlannedPayment, now: number, day: number): Generator<SimulatedLine> {
  const { random, texts, options } = run;
  const endToEndId = texts.endToEndId(plan, now, run.serial);
  run.serial += 1;
  contestOf(plan.story, endToEndId, plan.payee, now, random, (label) => run.labels.push(label.eventMicros, label));
  yield* send(run, plan, endToEndId, 'PAYER', now, day, now);
  if (random.chance(SECOND_SIDE_SHARE) && run.made < options.count) {
    const at = now + (150 + random.below(1800)) * 1000;
    run.figures.secondSides += 1;
    yield* send(run, plan, endToEndId, 'PAYEE', now, day, at);
  }
}

function* send(
  run: Run,
  plan: PlannedPayment,
  endToEndId: string,
  side: Side,
  now: number,
  day: number,
  at: number,
): Generator<SimulatedLine> {
  const { random, texts, options, figures, arrivals } = run;
  const text = texts.body(plan, endToEndId, side, now, day);
  const fraud = plan.story !== 'honest';
  run.made += 1;
  run.fraudOwed += options.fraudRate;
  if (fraud) figures.frauds += 1;
  const late = options.lateRate > 0 && random.chance(options.lateRate) && arrivals.size < WAITING_LINES;
  if (late) figures.late += 1;
  const arrival = late ? at + lateness(random) : at;
  const line: SimulatedLine = { kind: 'payment', atMicros: arrival, text, story: plan.story };
  if (side === 'PAYER') correct(run, plan, endToEndId, now, day, arrival);
  if (arrival === now) yield arrive(run, line);
  else arrivals.push(arrival, line);
  if (options.duplicateRate > 0 && random.chance(options.duplicateRate)) {
    const again = arrival + 1000 + Math.floor(random.next() * random.next() * random.next() * 6 * HOUR);
    arrivals.push(again, { ...line, kind: 'duplicate', atMicros: again });
  }
  if (options.malformedRate > 0 && random.chance(options.malformedRate)) {
    arrivals.push(arrival, { ...line, kind: 'malformed', text: malformed(text, random) });
  }
}

/** Plans the corrections of a payment whose first line comes at `arrival`. */
function correct(run: Run, plan: PlannedPayment, endToEndId: string, now: number, day: number, arrival: number): void {
  const { options, corrector, corrections, texts, lastPayee } = run;
  run.lastPayee = plan.payee;
  if (options.correctionRate === 0 || !corrector.chance(options.correctionRate)) return;
  const other = lastPayee === plan.payer || lastPayee === plan.payee ? null : lastPayee;
  for (const correction of correctionsOf(endToEndId, plan, now, arrival, other, corrector)) {
    corrections.push(correction.correctedMicros, texts.correction(correction, day));
  }
}

function arrive(run: Run, line: SimulatedLine): SimulatedLine {
  if (line.kind === 'payment') run.figures.payments += 1;
  else if (line.kind === 'duplicate') run.figures.duplicates += 1;
  else run.figures.malformed += 1;
  return line;
}

/** Minutes mostly, at most three days. */
function lateness(random: Random): number {
  const unit = random.next();
  return Math.floor((2 * 60_000_000 + unit * unit * unit * 2.99 * DAY) / 1000) * 1000;
}

/** The rest of the lines, then the labels that lie behind the span. */
function* finish(run: Run, last: SimulatedHour | undefined): Generator<SimulatedLine> {
  if (last === undefined) return;
  const end = last.startMicros + last.lengthMicros;
  for (let step = 0; run.made < run.options.count; step += 1) {
    const now = end + step * 1_000_000;
    yield* due(run, now, last);
    if (run.made < run.options.count) {
      yield* make(run, honestPayment(run.scene, { atMicros: now, hour: last }), now, last.day);
    }
  }
  yield* due(run, Number.MAX_SAFE_INTEGER, last);
}
