import { amountOf } from '../domain/money.ts';
import type { Side } from '../domain/payment.ts';
import type { Accounts } from './accounts.ts';
import { mix } from './chance.ts';
import type { PlannedLabel } from './contest-labels.ts';
import { dictText } from './dict-block.ts';
import type { PlannedCorrection } from './planned-corrections.ts';
import type { PlannedPayment } from './planned-payment.ts';
import type { Session } from './sessions.ts';

/** Instants that are texts: days are cached, as most payments of a run share one. */
function instantTexts(): (micros: number) => string {
  const days = new Map<number, string>();
  return (micros) => {
    const ms = Math.floor(micros / 1000);
    const day = Math.floor(ms / 86_400_000);
    let date = days.get(day);
    if (date === undefined) {
      if (days.size > 5000) days.clear();
      date = new Date(day * 86_400_000).toISOString().slice(0, 11);
      days.set(day, date);
    }
    const rest = ms - day * 86_400_000;
    const seconds = Math.floor(rest / 1000);
    const minutes = Math.floor(seconds / 60);
    return `${date}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}.${three(rest % 1000)}Z`;
  };
}

const TWO = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'));

function two(value: number): string {
  return TWO[value] ?? '00';
}

function three(value: number): string {
  return value < 100 ? `0${two(value)}` : String(value);
}

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 62^6; 68,718,953 has no factor in common with it, so that no two payments of a run share an id. */
const IDS = 62 ** 6;

/** What a payment looks like on the wire. */
export interface PaymentTexts {
  /** `E`, the payer's institution, the minute in UTC, eleven characters. */
  endToEndId(plan: PlannedPayment, atMicros: number, serial: number): string;
  /** The body of `/v1/score` as one side sees it; the payee's side knows no device and no DICT. */
  body(plan: PlannedPayment, endToEndId: string, side: Side, atMicros: number, today: number): string;
  /** The body of `/v1/labels`. */
  label(label: PlannedLabel): string;
  /** The body of `/v1/corrections`. */
  correction(correction: PlannedCorrection, today: number): string;
}

/** Builds the writer: strings are put together by hand, 6 times as fast as an object and `JSON.stringify`. */
export function paymentTexts(seed: number, of: Accounts): PaymentTexts {
  const instant = instantTexts();
  const texts: PaymentTexts = {
    label: (label) => labelText(label, of, instant),
    correction({ endToEndId, correctedMicros, replacement }, today) {
      const payment =
        replacement === null
          ? ''
          : `,"payment":${texts.body(replacement.plan, endToEndId, 'PAYER', replacement.atMicros, today)}`;
      return `{"endToEndId":"${endToEndId}","correctedAt":"${instant(correctedMicros)}"${payment}}`;
    },
    endToEndId(plan, atMicros, serial) {
      const text = instant(atMicros);
      const minute = `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 10)}${text.slice(11, 13)}${text.slice(14, 16)}`;
      const tail = base62((serial * 68_718_953 + mix(seed, 0, 52) * 13) % IDS, 6);
      return `E${of.ispbOf(plan.payer)}${minute}${tail}${base62(mix(seed, serial, 50), 5)}`;
    },
    body(plan, endToEndId, side, atMicros, today) {
      const payerSide = side === 'PAYER';
      const keyed = plan.instrument !== 'MANU' && plan.instrument !== 'AUTO';
      const withDict = payerSide && keyed && mix(seed, plan.payee, 51) % 12 !== 0;
      const key = keyed ? `"pixKey":{${of.keyText(plan.payee)}},` : '';
      const device = payerSide && plan.session !== null ? `,"device":${deviceText(plan.session, instant)}` : '';
      const dict = withDict ? `,"dict":${dictText(seed, of, plan.payee, today)}` : '';
      const purpose = plan.purpose === 'IPAY' && !payerSide ? '' : `,"purpose":"${plan.purpose}"`;
      return (
        `{"endToEndId":"${endToEndId}","side":"${side}","amount":"${amountOf(plan.centavos)}",` +
        `"acceptedAt":"${instant(atMicros)}","payer":${of.partyText(plan.payer, payerSide)},` +
        `"payee":${of.partyText(plan.payee, !payerSide || withDict)},${key}` +
        `"localInstrument":"${plan.instrument}"${purpose}${device}${dict}}`
      );
    },
  };
  return texts;
}

function base62(value: number, length: number): string {
  let rest = value;
  let text = '';
  for (let at = 0; at < length; at += 1) {
    text += ALPHABET.charAt(rest % 62);
    rest = Math.floor(rest / 62);
  }
  return text;
}

function deviceText(session: Session, instant: (micros: number) => string): string {
  const { limitRaisedMicros: limit, simChangedMicros: sim } = session;
  const raised = limit === null ? '' : `,"limitRaisedAt":"${instant(limit)}"`;
  const changed = sim === null ? '' : `,"simChangedAt":"${instant(sim)}"`;
  return (
    `{"id":"${session.deviceId}","enrolledAt":"${instant(session.enrolledMicros)}",` +
    `"loggedInAt":"${instant(session.loggedInMicros)}"${raised}${changed},` +
    `"remoteAccess":${session.remoteAccess},"activeCall":${session.activeCall},"locationAvailable":${session.location}}`
  );
}

function labelText(label: PlannedLabel, of: Accounts, instant: (micros: number) => string): string {
  const status = label.medStatus === null ? '' : `,"medStatus":"${label.medStatus}"`;
  const payee = label.payee === null ? '' : `,"payeeAccount":${of.accountText(label.payee)}`;
  return (
    `{"endToEndId":"${label.endToEndId}","state":"${label.state}","eventTime":"${instant(label.eventMicros)}"` +
    `${status}${payee},"reportedAt":"${instant(label.reportedMicros)}"}`
  );
}
