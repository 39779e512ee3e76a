import { createHash } from 'node:crypto';
import type { FeatureSet } from './feature-set.ts';
import { PAYMENT_TTL_MS, RETRY_TTL_MS } from './redis-layout.ts';
import { LEAST_KEPT } from './window-plan.ts';

/** A Lua script with the name by which Redis knows it. */
export interface RedisScript {
  readonly text: string;
  readonly sha1: string;
}

function script(text: string): RedisScript {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/** What {@link observeScript} found; the first of what it returns. */
export const OBSERVED = {
  /** Another epoch is open; the second says which, empty where none is. */
  otherEpoch: 0,
  /** The event was recorded; entities are as they were before it. */
  recorded: 1,
  /** The payment is known from another record, or was only read for; entities are as they are now. */
  second: 2,
  /** The payment is known from a record of the same side; the last says what was below it, where that is kept. */
  repeated: 3,
} as const;

/**
 * Records a payment's event unless its endToEndId is known, and reads its entities: the keeping
 * rule of `EntityLists`, on packed strings. A script runs alone, so all entities are touched at
 * one instant and every number is given once. Where no events are given it reads only.
 *
 * KEYS: epoch, event, retry, payer, payee, pair, tiles, labels; an empty key is no such entity.
 * ARGV: epoch, event of payer, of payee, of pair (32 bytes each), value of the payment after its
 * numbers, side.
 * Returns: code, then header and events of payer, payee, pair, tiles, labels, the payment's value,
 * what was below it.
 */
export function observeScript(set: FeatureSet): RedisScript {
  const { payer, payee, pair } = set.kinds;
  return script(`
local BOUND, LEAST = ${set.bound}, ${LEAST_KEPT}
local HEADER = '<dddddddd'
local EMPTY = struct.pack(HEADER, 0, 0, math.huge, math.huge, -math.huge, -math.huge, 0, 0)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0, redis.call('GET', KEYS[1]) or ''} end

local function read(key)
  if key == '' then return '', '' end
  local header = redis.call('GETRANGE', key, 0, 63)
  if header == '' then return EMPTY, '' end
  local _, _, _, _, _, _, head, kept = struct.unpack(HEADER, header)
  if kept == 0 then return header, '' end
  return header, redis.call('GETRANGE', key, 64 + head * 32, -1)
end

local function addToTile(key, width, time, amount, horizon)
  local field = string.format('%.0f', math.ceil(time / width) - 1)
  local tile = redis.call('HGET', key, field)
  local count, low, high, max, newest = 0, 0, 0, -math.huge, -math.huge
  if tile then
    count, low, high, max, newest = struct.unpack('<ddddd', tile)
  else
    local least = math.floor(horizon / width)
    for _, other in ipairs(redis.call('HKEYS', key)) do
      if tonumber(other) < least then redis.call('HDEL', key, other) end
    end
  end
  low = low + amount
  if low >= ${2 ** 48} then low = low - ${2 ** 48}; high = high + 1 end
  redis.call('HSET', key, field, struct.pack('<ddddd', count + 1, low, high, math.max(max, amount), math.max(newest, time)))
end

local function append(key, header, events, event, retention, tiles, width)
  if key == '' then return 0 end
  local seq, count, first, second, newest, dropped, head, kept = struct.unpack(HEADER, header)
  local time = struct.unpack('<d', event)
  if time < first then second = first; first = time elseif time < second then second = time end
  newest = math.max(newest, time)
  local horizon = newest - retention
  local place = head + kept
  kept = kept + 1
  local drops = 0
  while kept > 1 do
    local headTime, headAmount = struct.unpack('<dd', events, drops * 32 + 1)
    if not (kept > BOUND or (kept > LEAST and headTime <= horizon)) then break end
    if width > 0 and headTime > horizon then addToTile(tiles, width, headTime, headAmount, horizon) end
    dropped = math.max(dropped, headTime)
    drops = drops + 1
    kept = kept - 1
  end
  head = head + drops
  if head > kept then
    -- More is dead than alive: written anew, so a string is twice as long as it need be at most.
    redis.call('SET', key, struct.pack(HEADER, seq + 1, count + 1, first, second, newest, dropped, 0, kept) .. string.sub(events .. event, drops * 32 + 1))
  else
    redis.call('SETRANGE', key, 64 + place * 32, event)
    redis.call('SETRANGE', key, 0, struct.pack(HEADER, seq + 1, count + 1, first, second, newest, dropped, head, kept))
  end
  return seq + 1
end

local payerHeader, payerEvents = read(KEYS[4])
local payeeHeader, payeeEvents = read(KEYS[5])
local pairHeader, pairEvents = read(KEYS[6])
local labels = KEYS[8] ~= '' and redis.call('GET', KEYS[8]) or ''
local tiles = {}
if payeeHeader ~= '' and struct.unpack('<d', payeeHeader, 41) > -math.huge then tiles = redis.call('HGETALL', KEYS[7]) end

local code = 1
local below = ''
local payment = KEYS[2] ~= '' and redis.call('GET', KEYS[2])
if payment then
  code = 2
  if string.sub(payment, 57, 57) == ARGV[6] then
    code = 3
    below = redis.call('GET', KEYS[3]) or ''
  end
elseif ARGV[2] == '' then
  code = 2
  payment = ''
else
  payment = ''
  local labelHeader = labels ~= '' and string.sub(labels, 1, 32) or struct.pack('<dddd', 0, 0, 0, -math.huge)
  local numbers = struct.pack('<ddd',
    append(KEYS[4], payerHeader, payerEvents, ARGV[2], ${payer.keeping.retentionMicros}, '', ${payer.keeping.tileMicros}),
    append(KEYS[5], payeeHeader, payeeEvents, ARGV[3], ${payee.keeping.retentionMicros}, KEYS[7], ${payee.keeping.tileMicros}),
    append(KEYS[6], pairHeader, pairEvents, ARGV[4], ${pair.keeping.retentionMicros}, '', ${pair.keeping.tileMicros}))
  redis.call('SET', KEYS[2], numbers .. ARGV[5], 'PX', ${PAYMENT_TTL_MS})
  local function orEmpty(header) return header == '' and EMPTY or header end
  redis.call('SET', KEYS[3], orEmpty(payerHeader) .. orEmpty(payeeHeader) .. orEmpty(pairHeader) .. labelHeader, 'PX', ${RETRY_TTL_MS})
end
return {code, payerHeader, payerEvents, payeeHeader, payeeEvents, pairHeader, pairEvents, tiles, labels, payment, below}
`);
}

/**
 * Records a label of a payee with the payee's next number, once for each request.
 *
 * KEYS: epoch, payee, labels, request. ARGV: epoch, the label (32 bytes).
 * Returns: 0 and the open epoch, or 1 and the number as 8 bytes.
 */
export function labelScript(set: FeatureSet): RedisScript {
  return script(`
local BOUND = ${set.bound}
local HEADER = '<dddddddd'
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0, redis.call('GET', KEYS[1]) or ''} end
local done = redis.call('GET', KEYS[4])
if done then return {1, done} end

local header = redis.call('GETRANGE', KEYS[2], 0, 63)
if header == '' then header = struct.pack(HEADER, 0, 0, math.huge, math.huge, -math.huge, -math.huge, 0, 0) end
local number = struct.pack('<d', struct.unpack('<d', header) + 1)
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
  list = string.sub(list, 33)
  kept = kept - 1
  head = head + 1
end
redis.call('SET', KEYS[3], struct.pack('<dddd', count + 1, head, kept, dropped) .. list)
redis.call('SET', KEYS[4], number, 'PX', ${RETRY_TTL_MS})
return {1, number}
`);
}

/** Opens an epoch if the lock is still the builder's: KEYS lock, epoch, opening; ARGV token, epoch, opening. */
export const PUBLISH_SCRIPT = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[3], ARGV[3])
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
`);

/** Makes the builder's lock last longer, or lets it go: KEYS lock; ARGV token, milliseconds (0 lets it go). */
export const LOCK_SCRIPT = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/** Writes payments of a base: KEYS theirs; ARGV their values, then how long they live. */
export const LOAD_SCRIPT = script(`
for at = 1, #KEYS do redis.call('SET', KEYS[at], ARGV[at], 'PX', ARGV[#ARGV]) end
return #KEYS
`);
