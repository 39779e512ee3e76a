import type { FeatureSet } from '../feature-set.ts';
import { CORRECTED, RETRACT_FUNCTIONS } from './redis-correction-script.ts';
import { entityFunctions } from './redis-entity-functions.ts';
import { ID_BYTES, IN_BASE, MARKER_TTL_MS, PAYMENT_TTL_MS } from './redis-layout.ts';
import { OBSERVED, type RedisScript, script } from './redis-scripts.ts';

/** What {@link homeScript} is asked for. */
export const HOME_MODES = {
  /** Begins a correction of the payment, unless one is under way. */
  begin: 'C',
  /** What became of it; one that was not begun is not begun any more. */
  settle: 'R',
  /** Every partition has made its part: the payment is from here on what the correction says. */
  end: 'E',
} as const;

/** What {@link homeScript} found; the first of what it returns. */
export const AT_HOME = {
  otherEpoch: OBSERVED.otherEpoch,
  /** What became of the correction (CORRECTED) follows. */
  settled: 1,
  /** A correction of the payment is under way, this one or another: it follows, and for how many milliseconds it is kept. */
  pending: 2,
  /** Whether the payment's event is in all of its entities has to be seen first: the payment's value follows. */
  unseen: 3,
  /** The correction that was to be ended is not under way, and nothing is known of it. */
  nothing: 4,
} as const;

/**
 * What the home partition of a payment does for a correction of it. Of one payment one correction is under way at a time,
 * so corrections of it have one order; the payment's value changes when all partitions have made their part.
 *
 * KEYS: epoch, payment, the correction under way, what became of this one. ARGV: epoch, mode (of HOME_MODES), the 16 bytes
 * that name the request; then to begin: '1' where the payment's event was seen in all of its entities, what the payment
 * becomes; to end: the payment's value after its numbers, what became of the correction.
 * Returns: a number of AT_HOME, and what belongs to it.
 */
export function homeScript(): RedisScript {
  return script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {${AT_HOME.otherEpoch}} end
local done = redis.call('GET', KEYS[4])
if done then return {${AT_HOME.settled}, done} end
local mode, request = ARGV[2], ARGV[3]
local function settled(outcome)
  redis.call('SET', KEYS[4], outcome, 'PX', '${MARKER_TTL_MS}')
  return {${AT_HOME.settled}, outcome}
end
local value, pending = redis.call('GET', KEYS[2]), redis.call('GET', KEYS[3])
local isOurs = pending and string.sub(pending, 1, ${ID_BYTES}) == request
local life = redis.call('PTTL', KEYS[2])
local left = life > 0 and life or ${PAYMENT_TTL_MS}
local function keep(key, bytes)
  redis.call('SET', key, bytes, 'PX', string.format('%d', left))
end

if mode == '${HOME_MODES.settle}' then
  if isOurs then return {${AT_HOME.pending}, pending, left} end
  return settled('${CORRECTED.void}')
end
if mode == '${HOME_MODES.end}' then
  if not isOurs then return {${AT_HOME.nothing}} end
  keep(KEYS[2], string.upper(string.sub(value, 1, 1)) .. string.sub(value, 2, 2) .. ARGV[4])
  redis.call('DEL', KEYS[3])
  return settled(ARGV[5])
end

if not value then return settled('${CORRECTED.unknown}') end
if pending then return {${AT_HOME.pending}, pending, left} end
local mask, behind = string.byte(value, 3), 4
while mask > 0 do
  if mask % 2 == 1 then behind = behind + ${ID_BYTES} end
  mask = math.floor(mask / 2)
end
-- In the base, a day old, or corrected before: then all that it takes was appended, or is not any more.
local isSeen = ARGV[4] == '1' or string.byte(value, 2) == ${IN_BASE} or life < ${PAYMENT_TTL_MS - MARKER_TTL_MS}
if not isSeen and (struct.unpack('<d', value, behind)) == 0 then return {${AT_HOME.unseen}, value} end
pending = request .. struct.pack('<I4', #value) .. value .. ARGV[5]
keep(KEYS[3], pending)
keep(KEYS[2], string.lower(string.sub(value, 1, 1)) .. string.sub(value, 2))
return {${AT_HOME.pending}, pending, left}
`);
}

/** What {@link partScript} is asked for. */
export const PART_MODES = {
  make: 'C',
  /** The epoch is over in some partition: the numbers that were taken here, and none are taken any more. */
  tell: 'R',
} as const;

/**
 * The part of a correction in one partition of the entities that its payment was or will be in: takes the event out of
 * those and records the new one in these, once. How often corrections changed the payment, which its marker in the
 * partition tells, says what was made: one correction of a payment is under way at a time.
 *
 * KEYS: epoch, the payment's marker, then for each kind to retract, and then for each to append: the entity, and its tiles
 * where the kind has any. ARGV: epoch, mode (of PART_MODES), the payment's side, f64 rows of corrections with this one,
 * f64 the payment's identity, f64 when its event was, places of the kinds to retract as digits, those of the kinds to
 * append, milliseconds that the marker is kept, as long as the correction may be under way; then an event for each to append.
 * Returns: 0, or 1 and f64{} the numbers that were taken; nothing where the correction was settled otherwise, or nothing
 * was taken here.
 */
export function partScript(set: FeatureSet): RedisScript {
  return script(`
local isOpen = redis.call('GET', KEYS[1]) == ARGV[1]
local isTold = ARGV[2] == '${PART_MODES.tell}'
if not isOpen and not isTold then return {${OBSERVED.otherEpoch}} end
local marker = redis.call('GET', KEYS[2]) or ARGV[3] .. '\\0'
local count = string.byte(marker, 2)
local first = string.sub(marker, 1, 2 + count * 8)
if #marker > #first then
  local made, now = struct.unpack('<d', marker, #first + 1), struct.unpack('<d', ARGV[4])
  if made > now then return {1, ''} end
  if made == now then return {1, string.sub(marker, #first + 9)} end
end
local function marked(numbers)
  redis.call('SET', KEYS[2], first .. ARGV[4] .. numbers, 'PX', ARGV[9])
  return {1, numbers}
end
if isTold then return isOpen and marked('') or {1, ''} end

${entityFunctions(set)}
${RETRACT_FUNCTIONS}
local numbers, key = {}, 3
local function nextKeys(kind)
  local entity, tiles = KEYS[key], nil
  key = key + 1
  if WIDTHS[kind] > 0 or TOTALS[kind] then
    tiles = KEYS[key]
    key = key + 1
  end
  return entity, tiles
end
local identity, time = struct.unpack('<d', ARGV[5]), struct.unpack('<d', ARGV[6])
for at = 1, #ARGV[7] do
  local kind = string.byte(ARGV[7], at) - 47
  local entity, tiles = nextKeys(kind)
  numbers[#numbers + 1] = struct.pack('<d', retract(kind, entity, tiles, identity, time))
end
for at = 1, #ARGV[8] do
  local kind = string.byte(ARGV[8], at) - 47
  local entity, tiles = nextKeys(kind)
  local header, events = read(kind, entity)
  numbers[#numbers + 1] = struct.pack('<d', append(kind, entity, header, events, ARGV[9 + at], tiles))
end
return marked(table.concat(numbers))
`);
}
