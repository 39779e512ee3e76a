import type { FeatureSet } from '../feature-set.ts';
import { ID_BYTES, IN_BASE, MARKER_TTL_MS, tailBytes, VALUE_HEADER_BYTES } from './redis-layout.ts';
import { OBSERVED, type RedisScript, script } from './redis-scripts.ts';

/**
 * Resolves the payee of a label, once for each request: the payment's, else the one that its caller names. A request that is
 * sent again gets the payee of the first time, though a correction has given the payment another one since: the label may
 * have its number there already.
 *
 * KEYS, all of the payment's home partition: epoch, payment, the request's payee. ARGV: epoch, the caller's payee or ''.
 * Returns: 0, or 1 and the payee's key, '' where there is none.
 */
export function labelPayeeScript(set: FeatureSet): RedisScript {
  return script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {${OBSERVED.otherEpoch}} end
local payee = redis.call('GET', KEYS[3])
if payee then return {1, payee} end

payee = ARGV[2]
local payment = redis.call('GET', KEYS[2])
if payment then
  local count = string.byte(payment, 2)
  local at = ${VALUE_HEADER_BYTES + 1} + (count == ${IN_BASE} and 0 or count * 8)
  local mask, kinds = string.byte(payment, at), 0
  while mask > 0 do
    kinds = kinds + mask % 2
    mask = math.floor(mask / 2)
  end
  local known = string.sub(payment, at + 1 + kinds * ${ID_BYTES} + ${tailBytes(set)})
  if known ~= '' then payee = known end
end
if payee ~= '' then redis.call('SET', KEYS[3], payee, 'PX', ${MARKER_TTL_MS}) end
return {1, payee}
`);
}
