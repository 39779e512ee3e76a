import { createHash } from 'node:crypto';
import { ENTITY_KINDS, type EntityKind } from '../domain/entity-keys.ts';
import type { FeatureSet } from './feature-set.ts';
import { LABEL_BYTES, PAYMENT_TTL_MS, paymentBytes, RETRY_TTL_MS } from './redis-layout.ts';
import { TILE_FUNCTIONS } from './redis-tiles.ts';
import type { TileGroup } from './tile-layout.ts';
import { TOTALS } from './tile-pool.ts';
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
 * KEYS: epoch, event, retry, labels, then an entity and its tiles for each kind; an empty key is no
 * such entity. ARGV: epoch, side, value of the payment after its numbers, then an event a kind.
 * Returns: code, labels, the payment's value, what was below it, then header, events and tiles of each kind.
 */
export function observeScript(set: FeatureSet): RedisScript {
  return script(`
local BOUND, LEAST = ${set.bound}, ${LEAST_KEPT}
local HEADER = '<dddddddd'
local EMPTY = struct.pack(HEADER, 0, 0, math.huge, math.huge, -math.huge, -math.huge, 0, 0)
local KINDS = {${ENTITY_KINDS.map((kind) => kindTable(set, kind)).join(', ')}}
local floor = math.floor
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0, redis.call('GET', KEYS[1]) or ''} end

local function read(key, size)
  if key == '' then return '', '' end
  local header = redis.call('GETRANGE', key, 0, 63)
  if header == '' then return EMPTY, '' end
  local _, _, _, _, _, _, head, kept = struct.unpack(HEADER, header)
  if kept == 0 then return header, '' end
  return header, redis.call('GETRANGE', key, 64 + head * size, -1)
end

${TILE_FUNCTIONS}
local function append(kind, key, header, events, event, tiles)
  if key == '' then return 0 end
  local size = kind.size
  local seq, count, first, second, newest, dropped, head, kept = struct.unpack(HEADER, header)
  local time = struct.unpack('<d', event)
  if time < first then second = first; first = time elseif time < second then second = time end
  newest = math.max(newest, time)
  local horizon = newest - kind.retention
  local place = head + kept
  kept = kept + 1
  local drops = 0
  while kept > 1 do
    local headTime = struct.unpack('<d', events, drops * size + 1)
    if not (kept > BOUND or (kept > LEAST and headTime <= horizon)) then break end
    local from = drops * size + 1
    if kind.width > 0 and headTime > horizon then
      addToTile(kind, tiles, math.ceil(headTime / kind.width) - 1, floor(horizon / kind.width), events, from)
    end
    if kind.totals then addToTile(kind, tiles, ${TOTALS}, ${TOTALS}, events, from) end
    dropped = math.max(dropped, headTime)
    drops = drops + 1
    kept = kept - 1
  end
  head = head + drops
  if head > kept then
    -- More is dead than alive: written anew, so a string is twice as long as it need be at most.
    redis.call('SET', key, struct.pack(HEADER, seq + 1, count + 1, first, second, newest, dropped, 0, kept) .. string.sub(events .. event, drops * size + 1))
  else
    redis.call('SETRANGE', key, 64 + place * size, event)
    redis.call('SETRANGE', key, 0, struct.pack(HEADER, seq + 1, count + 1, first, second, newest, dropped, head, kept))
  end
  return seq + 1
end

local headers, events, tiles = {}, {}, {}
for at, kind in ipairs(KINDS) do
  headers[at], events[at] = read(KEYS[3 + at * 2], kind.size)
  tiles[at] = {}
  if (kind.width > 0 or kind.totals) and headers[at] ~= '' and struct.unpack('<d', headers[at], 41) > -math.huge then
    tiles[at] = redis.call('HGETALL', KEYS[4 + at * 2])
  end
end
local labels = KEYS[4] ~= '' and redis.call('GET', KEYS[4]) or ''

local code = 1
local below = ''
local payment = KEYS[2] ~= '' and redis.call('GET', KEYS[2])
if payment then
  code = 2
  if string.sub(payment, ${paymentBytes(set) + 1}, ${paymentBytes(set) + 1}) == ARGV[2] then
    code = 3
    below = redis.call('GET', KEYS[3]) or ''
  end
elseif ARGV[2] == '' then
  code = 2
  payment = ''
else
  payment = ''
  local numbers, kept = {}, {}
  for at, kind in ipairs(KINDS) do
    kept[at] = headers[at] == '' and EMPTY or headers[at]
    numbers[at] = struct.pack('<d', append(kind, KEYS[3 + at * 2], headers[at], events[at], ARGV[3 + at], KEYS[4 + at * 2]))
  end
  local labelHeader = labels ~= '' and string.sub(labels, 1, 32) or struct.pack('<dddd', 0, 0, 0, -math.huge)
  redis.call('SET', KEYS[2], table.concat(numbers) .. ARGV[3], 'PX', ${PAYMENT_TTL_MS})
  redis.call('SET', KEYS[3], table.concat(kept) .. labelHeader, 'PX', ${RETRY_TTL_MS})
end
local reply = {code, labels, payment, below}
for at in ipairs(KINDS) do
  reply[#reply + 1] = headers[at]
  reply[#reply + 1] = events[at]
  reply[#reply + 1] = tiles[at]
end
return reply
`);
}

/** What the script needs to know of a kind of entity. */
function kindTable(set: FeatureSet, kind: EntityKind): string {
  const { keeping, layout } = set.kinds[kind];
  const { widthMicros, hasTotals, groups, registers, histograms, conditionSlot } = keeping.tiles;
  const parts = (list: readonly TileGroup[]): string =>
    `{${list.map(({ slot, condition }) => `{${slot}, ${condition}}`).join(', ')}}`;
  return (
    `{size = ${layout.stride * 8}, retention = ${keeping.retentionMicros}, width = ${widthMicros}, totals = ${hasTotals}, ` +
    `conditions = ${conditionSlot}, groups = ${parts(groups)}, registers = ${parts(registers)}, histograms = ${parts(histograms)}}`
  );
}

/**
 * Records a label of a payee with the payee's next number, once for each request.
 *
 * KEYS: epoch, payee, labels, request. ARGV: epoch, the label (24 bytes).
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
