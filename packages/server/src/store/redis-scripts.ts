/**
 * What the store does in one step, in Lua. Keys are those of docs/store.md: the set of processes, then the hash of this one, whose
 * fields are the limits that it holds places of; `#node`, `#address`, `#number` and `#lost` beside them. A process whose hash has ended is
 * gone. What begins with `@` is exclusive, and told on the channel. Of one process nothing is done that is older than what was done last (`#number`): a connection that was given up may still be read.
 */
export const SCRIPTS = {
  /** KEYS: processes, own. ARGV: uid, lease, node, address, number, then all that it holds: key, count... */
  add: `
local isKnown = redis.call('PEXPIRE', KEYS[2], ARGV[2])
if isKnown == 1 and ARGV[5] == '' then return 0 end
if ARGV[5] ~= '' and tonumber(ARGV[5]) <= tonumber(redis.call('HGET', KEYS[2], '#number') or '-1') then return 0 end
redis.call('HSET', KEYS[2], '#node', ARGV[3], '#address', ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('SADD', KEYS[1], ARGV[1])
if ARGV[5] ~= '' then
  local given = {}
  for i = 6, #ARGV, 2 do
    given[ARGV[i]] = true
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    if not field:match('^[#@]') and not given[field] then redis.call('HDEL', KEYS[2], field) end
  end
  redis.call('HSET', KEYS[2], '#number', ARGV[5])
end
return 1 - isKnown`,

  /** KEYS: processes, own. ARGV: uid, prefix of hashes, number, channel, then key, need, wish, limit, whether over (1)... */
  take: `
if redis.call('EXISTS', KEYS[2]) == 0 then return redis.error_reply('LEASE') end
if tonumber(ARGV[3]) <= tonumber(redis.call('HGET', KEYS[2], '#number') or '-1') then return redis.error_reply('STALE') end
redis.call('HSET', KEYS[2], '#number', ARGV[3])
local keys = {}
for i = 5, #ARGV, 5 do keys[#keys + 1] = ARGV[i] end
local others = {}
for _, uid in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if uid ~= ARGV[1] then
    local hash = ARGV[2] .. uid
    if redis.call('EXISTS', hash) == 0 then
      redis.call('SREM', KEYS[1], uid)
    else
      for j, held in ipairs(redis.call('HMGET', hash, unpack(keys))) do
        if held and ARGV[5 * j + 4] == '1' then
          redis.call('HDEL', hash, keys[j])
          redis.call('HINCRBY', hash, '#lost', 1)
        else
          others[j] = (others[j] or 0) + tonumber(held or '0')
        end
      end
    end
  end
end
local own = redis.call('HMGET', KEYS[2], unpack(keys))
local counts = {}
local changed = {}
for j, key in ipairs(keys) do
  local i = 5 * j
  local need, wish, limit = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local had = tonumber(own[j] or '0')
  local room = limit - (others[j] or 0)
  local count = math.min(need, room)
  if room - wish >= limit / 4 then count = wish end
  count = math.max(had, count)
  if count > 0 then redis.call('HSET', KEYS[2], key, count) end
  if count ~= had and key:sub(1, 1) == '@' then changed[#changed + 1] = key end
  counts[j] = count
end
if #changed > 0 then redis.call('PUBLISH', ARGV[4], table.concat(changed, '\\n')) end
return counts`,

  /** KEYS: own. ARGV: number, lease, channel, then key, count... A full server lets nobody write but who has written: so the lease comes first. */
  give: `
if redis.call('PEXPIRE', KEYS[1], ARGV[2]) == 0 then return redis.error_reply('LEASE') end
if tonumber(ARGV[1]) <= tonumber(redis.call('HGET', KEYS[1], '#number') or '-1') then return redis.error_reply('STALE') end
redis.call('HSET', KEYS[1], '#number', ARGV[1])
local changed = {}
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] ~= '0' then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  elseif redis.call('HDEL', KEYS[1], ARGV[i]) == 1 and ARGV[i]:sub(1, 1) == '@' then
    changed[#changed + 1] = ARGV[i]
  end
end
if #changed > 0 then redis.call('PUBLISH', ARGV[3], table.concat(changed, '\\n')) end
return 1`,

  /** KEYS: own. ARGV: channel. */
  leave: `
local changed = {}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field:sub(1, 1) == '@' then changed[#changed + 1] = field end
end
redis.call('DEL', KEYS[1])
if #changed > 0 then redis.call('PUBLISH', ARGV[1], table.concat(changed, '\\n')) end
return 1`,

  /** KEYS: processes. ARGV: prefix of hashes, then keys. */
  find: `
local keys = {}
local uids = {}
for i = 2, #ARGV do
  keys[i - 1] = ARGV[i]
  uids[i - 1] = {}
end
for _, uid in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  for j, held in ipairs(redis.call('HMGET', ARGV[1] .. uid, unpack(keys))) do
    if held and held ~= '0' then table.insert(uids[j], uid) end
  end
end
return uids`,

  /** KEYS: revocations. ARGV: channel, how many are kept, token:user:uid. The mark is time, which a restart does not set back. */
  revoke: `
local time = redis.call('TIME')
local mark = tonumber(time[1]) * 1000000 + tonumber(time[2])
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] and tonumber(last[2]) >= mark then mark = tonumber(last[2]) + 1 end
redis.call('ZADD', KEYS[1], string.format('%.0f', mark), ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
redis.call('PUBLISH', ARGV[1], '')
return 1`,

  /** KEYS: processes, revocations, own. ARGV: prefix of hashes, mark or nothing. */
  read: `
local processes = {}
for _, uid in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local known = redis.call('HMGET', ARGV[1] .. uid, '#node', '#address')
  if known[1] then processes[#processes + 1] = { uid, known[1], known[2] } end
end
local mark = ARGV[2]
local revocations = {}
if mark ~= '' then
  revocations = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. mark, '+inf')
end
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if last[2] and (mark == '' or tonumber(last[2]) > tonumber(mark)) then mark = last[2] end
if mark == '' then mark = '0' end
return { processes, revocations, mark, redis.call('HGET', KEYS[3], '#lost') or '0' }`,

  /** KEYS: sums, own sums. ARGV: how long either is kept, then user, bytes... */
  spend: `
local sums = {}
for i = 3, #ARGV, 2 do
  local more = tonumber(ARGV[i + 1]) - tonumber(redis.call('HGET', KEYS[2], ARGV[i]) or '0')
  if more > 0 then
    redis.call('HINCRBY', KEYS[1], ARGV[i], string.format('%.0f', more))
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
  sums[#sums + 1] = redis.call('HGET', KEYS[1], ARGV[i]) or '0'
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return sums`,

  /** KEYS: ticket, tickets, those of the user. ARGV: digest, user, value, how long it is kept, how many there may be in all, and of the user. */
  addTicket: `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for i = 2, 3 do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', string.format('%.0f', now))
  if redis.call('ZCARD', KEYS[i]) >= tonumber(ARGV[i + 3]) then return 0 end
end
for i = 2, 3 do
  redis.call('ZADD', KEYS[i], string.format('%.0f', now + tonumber(ARGV[4])), ARGV[1])
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
redis.call('HSET', KEYS[1], 'user', ARGV[2], 'value', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1`,

  /** KEYS: ticket, tickets. ARGV: what stands before the user in the key of their own, digest. */
  spendTicket: `
local kept = redis.call('HMGET', KEYS[1], 'user', 'value')
if not kept[1] or not kept[2] then return '' end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[2])
redis.call('ZREM', ARGV[1] .. kept[1], ARGV[2])
return kept[2]`,
} as const;
