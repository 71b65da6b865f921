-- One write of one clinic, whole or not at all. Redis does not roll a script back, so this one first reads and decides;
-- its first write, XADD, is the only one that can be refused, and nothing after it can fail: the types of all keys have
-- been checked by then.
--
-- KEYS[1]  the trail of the clinic (stream)
-- KEYS[2]  the newest revision of the record          KEYS[2] to KEYS[5] are left out for a refusal,
-- KEYS[3]  where the revision it replaces is kept,    which touches no record
--          revision 0 when it creates the record
-- KEYS[4]  the list of all records of the collection (sorted set)
-- KEYS[5]  the list of the client's records of the collection (sorted set)
-- KEYS[6]  the result of the request, only if the write carries a request id
--
-- ARGV[1]  seal of the new entry, 32 bytes            ARGV[2]  its statement
-- ARGV[3]  the highest seq that the writer has seen   ARGV[4]  content (this and what follows: not for a refusal)
-- ARGV[5]  seal of the revision to replace, empty to create
-- ARGV[6]  name of the record                         ARGV[7]  result to remember for the request
-- ARGV[8]  how long to remember it, in seconds
--
-- Returns {'stored', seq}, {'repeated', result}, {'exists'}, {'missing'}, {'changed'}, {'damaged', what} or
-- {'refused', why}, why being the server's own error.

local trail, newest, earlier, every, client, request = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local seal, statement, seen, content, replaced, name, result, seconds = unpack(ARGV)
local creates = newest and replaced == ''

local function holds(key, kind)
  local found = key and redis.call('TYPE', key).ok or 'none'
  return found == 'none' or found == kind
end

if not (holds(trail, 'stream') and holds(newest, 'string') and holds(earlier, 'string')
    and holds(every, 'zset') and holds(client, 'zset') and holds(request, 'string')) then
  return {'damaged', 'a key of the clinic holds another type'}
end

local last = redis.call('XREVRANGE', trail, '+', '-', 'COUNT', 1)[1]
local seq = 1
if last then
  seq = tonumber(string.match(last[1], '^(%d+)%-0$'))
  if not seq then return {'damaged', 'the trail ends in an entry of another form'} end
  seq = seq + 1
end
local digits = string.format('%.0f', seq)
if seq <= tonumber(seen) then
  return {'damaged', 'the trail goes on with entry ' .. digits .. ', but entry ' .. seen .. ' was there before'}
end

if request then
  local first = redis.call('GET', request)
  if first then
    -- A write, so that a WAIT after it covers the first write too: that one may never have been waited for.
    redis.call('EXPIRE', request, seconds)
    return {'repeated', first}
  end
end

if newest then
  local exists = redis.call('EXISTS', newest) == 1
  if creates and exists then return {'exists'} end
  if not creates and not exists then return {'missing'} end
  if redis.call('GETRANGE', newest, 0, 31) ~= replaced then return {'changed'} end
  if redis.call('EXISTS', earlier) == 1 then
    return {'damaged', 'the place of the replaced revision is taken'}
  end
end

local added = redis.pcall('XADD', trail, digits .. '-0', 'sealed', seal .. statement)
if type(added) == 'table' then return {'refused', added.err} end
if newest then
  if creates then
    redis.call('ZADD', every, digits, name)
    redis.call('ZADD', client, digits, name)
  else
    redis.call('RENAME', newest, earlier)
  end
  redis.call('SET', newest, seal .. string.format('%016.0f%08d', seq, #statement) .. statement .. content)
end
if request then
  redis.call('SET', request, result, 'EX', seconds)
end
return {'stored', digits}
