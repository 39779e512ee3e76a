import { ENTITY_KINDS } from '../../domain/entity-keys.ts';
import { TOTALS } from '../engine/tile-pool.ts';
import type { FeatureSet } from '../feature-set.ts';
import { entityFunctions } from './redis-entity-functions.ts';
import { IN_BASE, KIND_CODES, MARKER_TTL_MS, PAYMENT_TTL_MS } from './redis-layout.ts';
import { OBSERVED, type RedisScript, script } from './redis-scripts.ts';

/** What became of a correction: the first byte of what {@link correctionScript} keeps of it. */
export const CORRECTED = {
  /** It was made. After it: f64 rows of corrections before it, f64 a kind of what the retraction took, f64 a kind of the event in its place; 0 is none. */
  made: 'A',
  /** The payment is not known: nothing was done. */
  unknown: 'N',
  /** It was given up before it came: where it comes yet, nothing is done. */
  void: 'V',
} as const;

/** What {@link correctionScript} is asked for. */
export const CORRECTION_MODES = {
  make: 'C',
  /** What became of it; one that was not made is not made any more. */
  settle: 'R',
} as const;

/**
 * Lua: `retract(kind, key, tiles, identity, time)` gives the number that the retraction took, as `EntityLists.retract` does.
 * An event that is not there and is newer than all that the entity dropped never was there: a Cluster's whose server did not
 * come back in a day.
 */
export const RETRACT_FUNCTIONS = `
-- What a dropped event added to a tile cannot be taken out: the tile is of no known time from here on.
local function spoil(tiles, index)
  local field = string.format('%.0f', index)
  local tile = redis.call('HGET', tiles, field)
  if tile then redis.call('HSET', tiles, field, struct.pack('<d', math.huge) .. string.sub(tile, 9)) end
end

local function retract(kind, key, tiles, identity, time)
  local size, width = SIZES[kind], WIDTHS[kind]
  local header, events = read(kind, key)
  if header == '' then header = EMPTY end
  local seq, count, first, second, newest, dropped, head, kept = struct.unpack(HEADER, header)
  local place, wasThere = kept - 1, true
  while place >= 0 and (struct.unpack('<d', events, place * size + 9)) ~= identity do place = place - 1 end
  if place >= 0 then
    events = string.sub(events, 1, place * size) .. string.sub(events, (place + 1) * size + 1)
    kept, count = kept - 1, count - 1
  elseif time <= dropped then
    count = count - 1
    if width > 0 then spoil(tiles, math.ceil(time / width) - 1) end
    if TOTALS[kind] then spoil(tiles, ${TOTALS}) end
  else
    wasThere = false
  end
  if wasThere and dropped ~= -math.huge then
    -- As FirstTimes without it, of an entity that has dropped events.
    if time == first then first = second; second = -math.huge elseif time == second then second = -math.huge end
  elseif wasThere then
    first, second = math.huge, math.huge
    for at = 0, kept - 1 do
      local other = struct.unpack('<d', events, at * size + 1)
      if other < first then second = first; first = other elseif other < second then second = other end
    end
  end
  redis.call('SET', key, struct.pack(HEADER, seq + 1, count, first, second, newest, dropped, 0, kept) .. events)
  return seq + 1
end
`;

/**
 * Takes the event of a payment out of its entities and records what replaces it, once for each request: in one go, so
 * each entity's numbers of a correction are next to each other, and corrections of a payment have one order.
 *
 * A single server's only: the entities of the event as it was are known from the payment's value, not to the caller, so
 * their keys are not among KEYS.
 *
 * KEYS: epoch, payment, request. ARGV: epoch, mode (of CORRECTION_MODES), what keys of the epoch begin with, the payment's
 * identity (f64), its value after its numbers as it is from here on (empty where it is retracted), then an event a kind
 * that it has.
 * Returns: 0, or 1 and what became of it (CORRECTED).
 */
export function correctionScript(set: FeatureSet): RedisScript {
  const kinds = ENTITY_KINDS.length;
  const codes = ENTITY_KINDS.map((kind) => `'${KIND_CODES[kind]}'`).join(', ');
  return script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {${OBSERVED.otherEpoch}} end
local done = redis.call('GET', KEYS[3])
if done then return {1, done} end
${entityFunctions(set)}
${RETRACT_FUNCTIONS}
local CODES = {${codes}}
local function settled(outcome)
  redis.call('SET', KEYS[3], outcome, 'PX', '${MARKER_TTL_MS}')
  return {1, outcome}
end
-- Ids of entities by kind, and what lies behind them.
local function idsOf(tail)
  local mask, ids, at = string.byte(tail), {}, 2
  for kind = 1, ${kinds} do
    if floor(mask / 2 ^ (kind - 1)) % 2 == 1 then
      ids[kind] = string.sub(tail, at, at + 15)
      at = at + 16
    end
  end
  return ids, at
end

if ARGV[2] == '${CORRECTION_MODES.settle}' then return settled('${CORRECTED.void}') end
local value = redis.call('GET', KEYS[2])
if not value then return settled('${CORRECTED.unknown}') end
local count = string.byte(value, 2)
local start = 3 + (count == ${IN_BASE} and 0 or count * 8)
local was, now = string.sub(value, start), ARGV[5]
local ids, behind = idsOf(was)
local revision, time = struct.unpack('<dd', was, behind)
local rows = revision
local identity = struct.unpack('<d', ARGV[4])

local retracted, replaced = {}, {}
for kind = 1, ${kinds} do
  retracted[kind], replaced[kind] = 0, 0
  if ids[kind] then
    local tiles = ARGV[3] .. 't' .. CODES[kind] .. ids[kind]
    retracted[kind] = retract(kind, ARGV[3] .. CODES[kind] .. ids[kind], tiles, identity, time)
  end
end
if next(ids) then rows = rows + 1 end
if now == '' then
  -- When it was is kept, and what tiles took in of it; whose it was is not.
  now = '\\0' .. struct.pack('<d', rows) .. string.sub(was, behind + 8, behind + ${8 + 8 + set.own.count * 8} - 1)
else
  local newIds, newBehind = idsOf(now)
  local event = 6
  for kind = 1, ${kinds} do
    if newIds[kind] then
      local key, tiles = ARGV[3] .. CODES[kind] .. newIds[kind], ARGV[3] .. 't' .. CODES[kind] .. newIds[kind]
      local header, events = read(kind, key)
      replaced[kind] = append(kind, key, header, events, ARGV[event], tiles)
      event = event + 1
    end
  end
  if next(newIds) then rows = rows + 1 end
  now = string.sub(now, 1, newBehind - 1) .. struct.pack('<d', rows) .. string.sub(now, newBehind + 8)
end
local life = redis.call('PTTL', KEYS[2])
redis.call('SET', KEYS[2], string.sub(value, 1, start - 1) .. now, 'PX', life > 0 and string.format('%d', life) or '${PAYMENT_TTL_MS}')
local numbers = {}
for kind = 1, ${kinds} do numbers[kind] = struct.pack('<d', retracted[kind]) end
for kind = 1, ${kinds} do numbers[${kinds} + kind] = struct.pack('<d', replaced[kind]) end
return settled('${CORRECTED.made}' .. struct.pack('<d', revision) .. table.concat(numbers))
`);
}
