import type { Random } from '../base/random.ts';
import type { LabelState } from '../domain/label.ts';
import { logNormalOf } from './chance.ts';
import type { Story } from './planned-payment.ts';
import { DAY, HOUR } from './scene.ts';

/** A payment's contest changes its state. */
export interface PlannedLabel {
  readonly endToEndId: string;
  readonly state: LabelState;
  readonly medStatus: 'CREATED' | 'AWAITING_ANALYSIS' | 'ANALYSED' | 'REFUNDING' | 'COMPLETED' | 'CANCELLED' | null;
  readonly eventMicros: number;
  readonly reportedMicros: number;
  /** Null where the caller does not name it. */
  readonly payee: number | null;
}

/** How often each kind of payment is contested, and after how many days in the middle. */
const CONTESTS: Readonly<Record<Story, { readonly share: number; readonly medianDays: number }>> = {
  takeover: { share: 0.93, medianDays: 1 },
  scam: { share: 0.88, medianDays: 4 },
  forward: { share: 0.75, medianDays: 3 },
  // Goods that never came, a wrong key, a regret: the self-service button made these the most.
  honest: { share: 0.0016, medianDays: 6 },
};

/** MED takes contests for 80 days; one day short leaves room for the analysis. */
const LAST_CONTEST = 79 * DAY;

/** The labels of one payment, none for most: contested, then decided within 7 days, or withdrawn. */
export function contestOf(
  story: Story,
  endToEndId: string,
  payee: number,
  atMicros: number,
  random: Random,
  tell: (label: PlannedLabel) => void,
): void {
  const { share, medianDays } = CONTESTS[story];
  if (!random.chance(share)) return;
  const named = random.chance(0.7) ? payee : null;
  const say = (state: LabelState, medStatus: PlannedLabel['medStatus'], eventMicros: number): void => {
    const whole = Math.floor(eventMicros / 1000) * 1000;
    const reportedMicros = whole + Math.floor(random.next() * 6 * 3600) * 1_000_000;
    tell({ endToEndId, state, medStatus, eventMicros: whole, reportedMicros, payee: named });
  };
  const contested = atMicros + Math.min(LAST_CONTEST, logNormalOf(random, medianDays * DAY, 1.1)) + HOUR / 6;
  say('CONTESTED', random.chance(0.9) ? 'CREATED' : null, contested);
  if (random.chance(0.1)) say('CONTESTED', 'AWAITING_ANALYSIS', contested + 2 * HOUR);
  const decided = contested + 3 * HOUR + random.next() * 6.5 * DAY;
  const unit = random.next();
  const agreed = story === 'honest' ? unit > 0.975 : unit > 0.08;
  if (unit < (story === 'honest' ? 0.12 : 0.03)) say('CANCELLED', 'CANCELLED', decided);
  else if (agreed) say('AGREED', unit < 0.5 ? 'REFUNDING' : 'COMPLETED', decided);
  else say('DISAGREED', 'ANALYSED', decided);
}
