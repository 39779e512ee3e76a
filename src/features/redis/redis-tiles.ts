import { BUCKETS, REGISTERS } from '../engine/approximate.ts';
import { GROUP, GROUP_STRIDE } from '../engine/group-sums.ts';
import { TILE, type TileOffsets } from '../engine/tile-pool.ts';

/*
 * A tile as Redis holds it: f64 newest, f64 count, f64{8} a group, u8{4096} a list of registers,
 * u32{800} a histogram; all little-endian.
 */

const HEAD_BYTES = 16;
const GROUP_BYTES = GROUP_STRIDE * 8;
const HISTOGRAM_BYTES = BUCKETS * 4;

/** Unpacks a tile into `target` at `at`, in the form of `TilePool`. The chain's pointer is the caller's. */
export function unpackTile(bytes: Buffer, offsets: TileOffsets, index: number, target: Float64Array, at: number): void {
  target[at + TILE.index] = index;
  target[at + TILE.newest] = bytes.readDoubleLE(0);
  target[at + TILE.count] = bytes.readDoubleLE(8);
  let from = HEAD_BYTES;
  for (const group of offsets.groups) {
    for (let number = 0; number < GROUP_STRIDE; number += 1)
      target[at + group + number] = bytes.readDoubleLE(from + number * 8);
    from += GROUP_BYTES;
  }
  for (const part of offsets.registers) {
    for (let register = 0; register < REGISTERS; register += 1)
      target[at + part + register] = bytes[from + register] as number;
    from += REGISTERS;
  }
  for (const part of offsets.histograms) {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1)
      target[at + part + bucket] = bytes.readUInt32LE(from + bucket * 4);
    from += HISTOGRAM_BYTES;
  }
}

/** Packs a tile of `TilePool`. */
export function packTile(numbers: Float64Array, at: number, offsets: TileOffsets): Buffer {
  const { groups, registers, histograms } = offsets;
  const size =
    HEAD_BYTES + groups.length * GROUP_BYTES + registers.length * REGISTERS + histograms.length * HISTOGRAM_BYTES;
  const bytes = Buffer.alloc(size);
  bytes.writeDoubleLE(numbers[at + TILE.newest] as number, 0);
  bytes.writeDoubleLE(numbers[at + TILE.count] as number, 8);
  let from = HEAD_BYTES;
  for (const group of groups) {
    for (let number = 0; number < GROUP_STRIDE; number += 1)
      bytes.writeDoubleLE(numbers[at + group + number] as number, from + number * 8);
    from += GROUP_BYTES;
  }
  for (const part of registers) {
    for (let register = 0; register < REGISTERS; register += 1)
      bytes[from + register] = numbers[at + part + register] as number;
    from += REGISTERS;
  }
  for (const part of histograms) {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1)
      bytes.writeUInt32LE(numbers[at + part + bucket] as number, from + bucket * 4);
    from += HISTOGRAM_BYTES;
  }
  return bytes;
}

const empty = Array.from({ length: GROUP_STRIDE }, () => '0');
empty[GROUP.max] = '-math.huge';
empty[GROUP.min] = 'math.huge';

/** Lua: `addToTile(kind, key, index, least, events, from)` adds the event at byte `from` of `events`, as `TilePool.add` does; `layoutOf(kind)` is the script's. */
export const TILE_FUNCTIONS = `
local EMPTY_GROUP = {${empty.join(', ')}}

local function passes(layout, events, from, condition)
  if condition < 0 then return true end
  local bits = struct.unpack('<d', events, from + layout.conditions * 8)
  return floor(bits / 2 ^ condition) % 2 == 1
end

-- Sums of squares are three digits to the base 2^40.
local function addDigits(group, value, digit)
  local carry = value
  for place = digit, 1 do
    if carry > 0 then
      local high = floor(carry / 1099511627776)
      local sum = group[${GROUP.square0 + 1} + place] + (carry - high * 1099511627776)
      local over = sum >= 1099511627776 and 1 or 0
      group[${GROUP.square0 + 1} + place] = sum - over * 1099511627776
      carry = high + over
    end
  end
  group[${GROUP.square2 + 1}] = group[${GROUP.square2 + 1}] + carry
end

local function addSquare(group, value)
  local h = floor(value / 67108864)
  local l = value - h * 67108864
  addDigits(group, l * l, 0)
  if h == 0 then return end
  local cross = h * l
  local crossHigh = floor(cross / 8192)
  addDigits(group, (cross - crossHigh * 8192) * 134217728, 0)
  addDigits(group, crossHigh, 1)
  local a = floor(h / 16384)
  local b = h - a * 16384
  local middle = 2 * a * b
  local middleHigh = floor(middle / 16384)
  local low = (middle - middleHigh * 16384) * 16384 + b * b
  local lowHigh = floor(low / 268435456)
  addDigits(group, (low - lowHigh * 268435456) * 4096, 1)
  addDigits(group, a * a + middleHigh + lowHigh, 2)
end

local function addToGroup(group, value)
  group[1] = group[1] + 1
  local high = floor(value / 281474976710656)
  local low = group[2] + (value - high * 281474976710656)
  local carry = floor(low / 281474976710656)
  group[2] = low - carry * 281474976710656
  group[3] = group[3] + high + carry
  group[${GROUP.max + 1}] = math.max(group[${GROUP.max + 1}], value)
  group[${GROUP.min + 1}] = math.min(group[${GROUP.min + 1}], value)
  addSquare(group, math.abs(value))
end

local function addToTile(kind, key, index, least, events, from)
  local layout = layoutOf(kind)
  local field = string.format('%.0f', index)
  local tile = redis.call('HGET', key, field)
  local newest, count, at = -math.huge, 0, ${HEAD_BYTES + 1}
  if tile then
    newest, count = struct.unpack('<dd', tile)
  else
    for _, other in ipairs(redis.call('HKEYS', key)) do
      if tonumber(other) < least and tonumber(other) ~= ${-(2 ** 52)} then redis.call('HDEL', key, other) end
    end
  end
  local parts = {struct.pack('<dd', math.max(newest, (struct.unpack('<d', events, from))), count + 1)}
  for _, part in ipairs(layout.groups) do
    local group = {unpack(EMPTY_GROUP)}
    if tile then group = {struct.unpack('<dddddddd', tile, at)} end
    at = at + ${GROUP_BYTES}
    if passes(layout, events, from, part[2]) then
      local value = part[1] < 0 and 0 or (struct.unpack('<d', events, from + part[1] * 8))
      if value == value then addToGroup(group, value) end
    end
    parts[#parts + 1] = struct.pack('<dddddddd', unpack(group, 1, 8))
  end
  for _, part in ipairs(layout.registers) do
    local registers = tile and string.sub(tile, at, at + ${REGISTERS - 1}) or string.rep('\\0', ${REGISTERS})
    at = at + ${REGISTERS}
    local value = struct.unpack('<d', events, from + part[1] * 8)
    if value == value and passes(layout, events, from, part[2]) then
      local place = floor(value / 64) + 1
      local rank = value % 64
      if rank > string.byte(registers, place) then
        registers = string.sub(registers, 1, place - 1) .. string.char(rank) .. string.sub(registers, place + 1)
      end
    end
    parts[#parts + 1] = registers
  end
  for _, part in ipairs(layout.histograms) do
    local counts = tile and string.sub(tile, at, at + ${HISTOGRAM_BYTES - 1}) or string.rep('\\0', ${HISTOGRAM_BYTES})
    at = at + ${HISTOGRAM_BYTES}
    local bucket = struct.unpack('<d', events, from + part[1] * 8)
    if bucket == bucket and passes(layout, events, from, part[2]) then
      local place = bucket * 4 + 1
      counts = string.sub(counts, 1, place - 1) .. struct.pack('<I4', (struct.unpack('<I4', counts, place)) + 1) .. string.sub(counts, place + 4)
    end
    parts[#parts + 1] = counts
  end
  redis.call('HSET', key, field, table.concat(parts))
end
`;
