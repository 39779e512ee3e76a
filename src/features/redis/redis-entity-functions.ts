import { ENTITY_KINDS } from '../../domain/entity-keys.ts';
import type { TileGroup } from '../engine/tile-layout.ts';
import { TOTALS } from '../engine/tile-pool.ts';
import { type KindPlan, LEAST_KEPT } from '../engine/window-plan.ts';
import type { FeatureSet } from '../feature-set.ts';
import { TILE_FUNCTIONS } from './redis-tiles.ts';

/**
 * Lua: what scripts do with an entity, the keeping rule of `EntityLists` on packed strings. Kinds count from 1 as in
 * ENTITY_KINDS.
 *
 *   read(kind, key) → header, events                       both empty where there is no such entity
 *   append(kind, key, header, events, event, tiles) → the number that the event took
 *
 * `tiles` is the key of the entity's tiles, of a kind that has any.
 */
export function entityFunctions(set: FeatureSet): string {
  const { sizes, retentions, widths, totals, labels, layouts } = kindTables(set);
  return `
local floor = math.floor
local HEADER = '<dddddddd'
local EMPTY = struct.pack(HEADER, 0, 0, math.huge, math.huge, -math.huge, -math.huge, 0, 0)
local SIZES, RETENTIONS, WIDTHS, TOTALS, LABELS = ${sizes}, ${retentions}, ${widths}, ${totals}, ${labels}
${layouts}
${TILE_FUNCTIONS}
local function read(kind, key)
  local header, events = redis.call('GETRANGE', key, '0', '63'), ''
  if header ~= '' then
    local head = struct.unpack('<d', header, 49)
    events = redis.call('GETRANGE', key, head == 0 and '64' or string.format('%d', 64 + head * SIZES[kind]), '-1')
  end
  return header, events
end

local function append(kind, key, header, events, event, tiles)
  local size, width, totals = SIZES[kind], WIDTHS[kind], TOTALS[kind]
  local isNew = header == ''
  if isNew then header = EMPTY end
  local seq, count, first, second, newest, dropped, head, kept = struct.unpack(HEADER, header)
  local time = struct.unpack('<d', event)
  if time < first then second = first; first = time elseif time < second then second = time end
  newest = math.max(newest, time)
  local horizon = newest - RETENTIONS[kind]
  kept = kept + 1
  local drops = 0
  while kept > 1 do
    local headTime = struct.unpack('<d', events, drops * size + 1)
    if not (kept > ${set.bound} or (kept > ${LEAST_KEPT} and headTime <= horizon)) then break end
    local from = drops * size + 1
    if width > 0 and headTime > horizon then
      addToTile(kind, tiles, math.ceil(headTime / width) - 1, floor(horizon / width), events, from)
    end
    if totals then addToTile(kind, tiles, ${TOTALS}, ${TOTALS}, events, from) end
    dropped = math.max(dropped, headTime)
    drops = drops + 1
    kept = kept - 1
  end
  head = head + drops
  if head > kept then
    -- More is dead than alive: written anew, so a string is twice as long as it need be at most.
    redis.call('SET', key, struct.pack(HEADER, seq + 1, count + 1, first, second, newest, dropped, 0, kept) .. string.sub(events .. event, drops * size + 1))
  elseif isNew then
    redis.call('SET', key, struct.pack(HEADER, seq + 1, count + 1, first, second, newest, dropped, head, kept) .. event)
  else
    redis.call('APPEND', key, event)
    -- Numbers are given to Redis as texts: Lua would print each with 17 digits, half a microsecond.
    redis.call('SETRANGE', key, '0', struct.pack(HEADER, seq + 1, count + 1, first, second, newest, dropped, head, kept))
  end
  return seq + 1
end
`;
}

/** What scripts need to know of the kinds of entity, as Lua: lists by the kind's place, and what their tiles hold. */
function kindTables(
  set: FeatureSet,
): Record<'sizes' | 'retentions' | 'widths' | 'totals' | 'labels' | 'layouts', string> {
  const plans = ENTITY_KINDS.map((kind) => set.kinds[kind]);
  const list = (of: (plan: KindPlan) => number | boolean): string => `{${plans.map(of).join(', ')}}`;
  const parts = (groups: readonly TileGroup[]): string =>
    `{${groups.map(({ slot, condition }) => `{${slot}, ${condition}}`).join(', ')}}`;
  const layout = ({ keeping }: KindPlan, at: number): string => {
    const { conditionSlot, groups, registers, histograms } = keeping.tiles;
    return `if kind == ${at + 1} then return {conditions = ${conditionSlot}, groups = ${parts(groups)}, registers = ${parts(registers)}, histograms = ${parts(histograms)}} end`;
  };
  return {
    sizes: list(({ layout: { stride } }) => stride * 8),
    retentions: list(({ keeping }) => keeping.retentionMicros),
    widths: list(({ keeping }) => keeping.tiles.widthMicros),
    totals: list(({ keeping }) => keeping.tiles.hasTotals),
    labels: list((plan) => plan.labels.length > 0),
    // A function: tables are built where an event is dropped, and for most payments none is.
    layouts: `local function layoutOf(kind)\n${plans.map(layout).join('\n')}\nend`,
  };
}
