import { createHash } from 'node:crypto';
import type { FeatureSet } from '../feature-set.ts';
import { entityFunctions } from './redis-entity-functions.ts';
import { LABEL_BYTES, MARKER_TTL_MS, PAYMENT_TTL_MS, RETRY_TTL_MS } from './redis-layout.ts';

/** A Lua script with the name by which Redis knows it. */
export interface RedisScript {
  readonly text: string;
  readonly sha1: string;
}

/** A script by its text. */
export function script(text: string): RedisScript {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/** What {@link observeScript} found; the first of what it returns. */
export const OBSERVED = {
  /** Another epoch is open there, or none. */
  otherEpoch: 0,
  /** The event was recorded; entities are as they were before it. */
  recorded: 1,
  /** The payment is known from another record, or was only read for; entities are as they are now. */
  second: 2,
  /** The payment is known from a record of the same side; the third says what was below it, where that is kept. */
  repeated: 3,
} as const;

/** Scripts found another epoch than the one that they were sent for, or none. */
export const OTHER_EPOCH = 'other-epoch';

/** Arguments of {@link observeScript} in place of a side: record nothing. */
export const READ_FOR_PAYMENT = '-';
/** There is no payment either: its keys are not looked at. */
export const READ_ONLY = '';

/** What {@link observeScript} says of a payment whose appends are not repeated any more. */
export const SETTLED = 'settled';

/**
 * Records a payment's event unless its endToEndId is known, and reads its entities: the keeping
 * rule of `EntityLists`, on packed strings. A script runs alone, so all entities that it is given are touched at
 * one instant and every number is given once.
 *
 * In a Cluster it is sent first without entities, which decides which record of a payment is the first, and then to
 * each partition of its entities, with that partition's marker in place of the payment.
 *
 * KEYS: epoch, payment (or marker), below, then for each kind: the entity, its tiles where the kind has any, and labels
 * where they are read. ARGV: epoch, side (READ_…), places of the kinds as digits, value of the payment after its
 * numbers (empty for a marker), then an event a kind; without events of the kinds nothing is recorded.
 * Returns: code, the value as it was found, what was below it (or SETTLED), then for each kind: header, events, tiles,
 * labels, the last two only where there is such a key. No header is no such entity.
 */
export function observeScript(set: FeatureSet): RedisScript {
  return script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {${OBSERVED.otherEpoch}} end
${entityFunctions(set)}
local side, kinds = ARGV[2], ARGV[3]
local reply = {${OBSERVED.second}, '', ''}
local key = 4
local keys, places, labels = {}, {}, nil
for at = 1, #kinds do
  local kind = string.byte(kinds, at) - 47
  local name = KEYS[key]
  local header, events = read(kind, name)
  keys[at], places[at] = key, #reply + 1
  reply[#reply + 1] = header
  reply[#reply + 1] = events
  key = key + 1
  if WIDTHS[kind] > 0 or TOTALS[kind] then
    local wasDropped = header ~= '' and struct.unpack('<d', header, 41) > -math.huge
    reply[#reply + 1] = wasDropped and redis.call('HGETALL', KEYS[key]) or {}
    key = key + 1
  end
  if LABELS[kind] then
    labels = redis.call('GET', KEYS[key]) or ''
    reply[#reply + 1] = labels
    key = key + 1
  end
end
if side == '' then return reply end

local payment = redis.call('GET', KEYS[2])
if payment then
  reply[2] = payment
  if string.sub(payment, 1, 1) == side then
    reply[1] = ${OBSERVED.repeated}
    reply[3] = redis.call('GET', KEYS[3]) or ''
  end
  if kinds == '' and redis.call('PTTL', KEYS[2]) < ${PAYMENT_TTL_MS - MARKER_TTL_MS} then reply[3] = '${SETTLED}' end
elseif side ~= '${READ_FOR_PAYMENT}' and (kinds == '' or #ARGV > 4) then
  reply[1] = ${OBSERVED.recorded}
  local numbers, below = {}, {}
  for at = 1, #kinds do
    local place, key = places[at], keys[at]
    local header = reply[place]
    below[at] = header == '' and EMPTY or header
    numbers[at] = struct.pack('<d', append(string.byte(kinds, at) - 47, KEYS[key], header, reply[place + 1], ARGV[4 + at], KEYS[key + 1]))
  end
  if labels then below[#below + 1] = labels ~= '' and string.sub(labels, 1, 32) or struct.pack('<dddd', 0, 0, 0, -math.huge) end
  local value = side .. string.char(#kinds) .. table.concat(numbers) .. ARGV[4]
  redis.call('SET', KEYS[2], value, 'PX', ARGV[4] == '' and '${MARKER_TTL_MS}' or '${PAYMENT_TTL_MS}')
  if kinds ~= '' then redis.call('SET', KEYS[3], table.concat(below), 'PX', '${RETRY_TTL_MS}') end
end
return reply
`);
}

/**
 * Records a label of a payee with the payee's next number, once for each request.
 *
 * KEYS: epoch, payee, labels, request. ARGV: epoch, the label (24 bytes).
 * Returns: 0, or 1 and the number as 8 bytes.
 */
export function labelScript(set: FeatureSet): RedisScript {
  return script(`
local BOUND = ${set.bound}
local HEADER = '<dddddddd'
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {${OBSERVED.otherEpoch}} end
local done = redis.call('GET', KEYS[4])
if done then return {1, done} end

local header = redis.call('GETRANGE', KEYS[2], 0, 63)
if header == '' then header = struct.pack(HEADER, 0, 0, math.huge, math.huge, -math.huge, -math.huge, 0, 0) end
local number = struct.pack('<d', (struct.unpack('<d', header)) + 1)
redis.call('SETRANGE', KEYS[2], 0, number .. string.sub(header, 9))

local labels = redis.call('GET', KEYS[3])
local count, head, kept, dropped, list = 0, 0, 0, -math.huge, ''
if labels then
  count, head, kept, dropped = struct.unpack('<dddd', labels)
  list = string.sub(labels, 33)
end
list = list .. ARGV[2]
kept = kept + 1
if kept > BOUND then
  dropped = math.max(dropped, (struct.unpack('<d', list)))
  list = string.sub(list, ${LABEL_BYTES + 1})
  kept = kept - 1
  head = head + 1
end
redis.call('SET', KEYS[3], struct.pack('<dddd', count + 1, head, kept, dropped) .. list)
redis.call('SET', KEYS[4], number, 'PX', ${MARKER_TTL_MS})
return {1, number}
`);
}

/**
 * Closes a partition to every epoch before a builder's, which nobody may open before its own is, and says who builds
 * there: KEYS epoch, builder; ARGV the builder's epoch, its token. Where a later builder was there it does nothing.
 */
export const FENCE_SCRIPT = script(`
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return 1
`);

/** Closes an epoch if it is the one that is open: KEYS open; ARGV epoch. */
export const CLOSE_SCRIPT = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/** Takes the builder's lock, where nobody has it: KEYS lock, builder; ARGV token, milliseconds. */
export const TAKE_LOCK_SCRIPT = script(`
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1])
return 1
`);

/** Makes the lock last longer, or takes it again where it ran out and nobody had it since: KEYS lock, builder; ARGV token, milliseconds. */
export const RENEW_LOCK_SCRIPT = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`);

/** Lets the lock go: KEYS lock; ARGV token. */
export const RELEASE_LOCK_SCRIPT = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/** Opens an epoch if nobody else took the lock since its builder did: KEYS lock, builder, open, opening; ARGV token, epoch, opening. */
export const PUBLISH_SCRIPT = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[4], ARGV[3])
redis.call('SET', KEYS[3], ARGV[2])
redis.call('DEL', KEYS[1], KEYS[2])
return 1
`);

/** What every script begins with that writes a base: nothing is written once another one builds, or Redis was flushed. */
const IF_BUILDER = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end`;

/** Writes keys of a base, all of one partition: KEYS builder, then theirs; ARGV token, how long they live ('' for ever), their values. */
export const LOAD_SCRIPT = script(`
${IF_BUILDER}
for at = 2, #KEYS do
  if ARGV[2] == '' then redis.call('SET', KEYS[at], ARGV[at + 1])
  else redis.call('SET', KEYS[at], ARGV[at + 1], 'PX', ARGV[2]) end
end
return 1
`);

/** Writes an entity's tiles of a base: KEYS builder, tiles; ARGV token, then fields and values. */
export const LOAD_TILES_SCRIPT = script(`
${IF_BUILDER}
for at = 2, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
return 1
`);
