import { NAMES_TOLD } from "@wireyard/session";

/**
 * What the engine does in one piece. All keys of a bucket start with its tag, `KEYS[1]`, and so lie in one slot of a
 * cluster; every script but the reading ones is given its node's number and epoch, and does nothing for a node that
 * has lost its lease.
 *
 *     T:n:<number>      the epoch of a living node, for the length of its lease
 *     T:nodes           number -> epoch of every node whose members have not been taken out
 *     T:owners, T:ids   number -> the process that has it, what it is called
 *     T:sessions:<n>    id -> a session of the node, for lists
 *     T:names           number -> some names of the node's sessions, as JSON; of a node with none, nothing
 *     T:o:<number>      ids of the node's members
 *     T:at, T:by, T:name   id -> room, number of its node, name
 *     T:rooms           rooms, by the number of their making
 *     T:r:<room>        made, seq (of its last event), order (of its last joiner), pw; `re` while it holds only members
 *                       who came back after the engine had lost it
 *     T:m:<room>        ids by their order
 */
const PRELUDE = `
local T = KEYS[1]
local call = redis.call

local function lives(number, epoch)
  return call('GET', T .. ':n:' .. number) == epoch
end

local function say(room, what)
  local R = T .. ':r:' .. room
  local seq = call('HINCRBY', R, 'seq', 1)
  local made = call('HGET', R, 'made')
  call('$PUBLISH', T .. ':room:' .. room, made .. ':' .. seq .. ' ' .. what)
  return made, seq
end

local function leave(id)
  local room = call('HGET', T .. ':at', id)
  if not room then return '', 0, 0 end
  local made, seq = say(room, 'L' .. id)
  local M = T .. ':m:' .. room
  call('ZREM', M, id)
  call('SREM', T .. ':o:' .. call('HGET', T .. ':by', id), id)
  call('HDEL', T .. ':at', id)
  call('HDEL', T .. ':by', id)
  call('HDEL', T .. ':name', id)
  if call('ZCARD', M) == 0 then
    call('DEL', T .. ':r:' .. room)
    call('ZREM', T .. ':rooms', room)
  else
    call('HDEL', T .. ':r:' .. room, 're')
  end
  return room, made, seq
end

local function members(room, reply)
  local found = call('ZRANGE', T .. ':m:' .. room, 0, -1, 'WITHSCORES')
  for i = 1, #found, 2 do
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = found[i + 1]
    reply[#reply + 1] = call('HGET', T .. ':name', found[i])
  end
  return reply
end
`;

const BODIES = {
  /**
   * number, owner, lease, name -> epoch and whether its members are still in their rooms; nothing: taken. The epoch is
   * new in any case: what is still on its way from a lost connection must not come behind what the next one says.
   */
  register: `
local number, owner, lease, name = unpack(ARGV)
local known = call('HGET', T .. ':owners', number)
if known and known ~= owner then return false end
local resumed = known and 1 or 0
local epoch = tostring(call('INCR', T .. ':epoch')) .. '.' .. call('TIME')[1]
call('HSET', T .. ':nodes', number, epoch)
call('HSET', T .. ':owners', number, owner)
call('HSET', T .. ':ids', number, name)
call('DEL', T .. ':sessions:' .. number)
call('HDEL', T .. ':names', number)
call('SET', T .. ':n:' .. number, epoch, 'PX', lease)
return {epoch, resumed}`,

  /**
   * number, epoch, lease -> number, epoch, ... of the nodes whose lease has run out, and {number, sessions, names} of
   * each other living one; nothing: this node's has run out, and is not brought back: what the node said while it had
   * none was refused, so nothing that it says after that may pass. Names of a few nodes are enough: each has one at least.
   */
  renew: `
local number, epoch, lease = unpack(ARGV)
if not lives(number, epoch) then return false end
call('SET', T .. ':n:' .. number, epoch, 'PX', lease)
local dead, others, named = {}, {}, 0
local nodes = call('HGETALL', T .. ':nodes')
for i = 1, #nodes, 2 do
  local other = nodes[i]
  if call('EXISTS', T .. ':n:' .. other) == 0 then
    dead[#dead + 1] = other
    dead[#dead + 1] = nodes[i + 1]
  elseif other ~= number then
    local names = named < ${NAMES_TOLD} and call('HGET', T .. ':names', other)
    if names then named = named + 1 end
    others[#others + 1] = {other, call('HLEN', T .. ':sessions:' .. other), names or '[]'}
  end
end
return {dead, others}`,

  /** number, epoch -> how many of a dead node's members are still to be taken out. Few at a time: it blocks others. */
  sweep: `
local number, epoch = unpack(ARGV)
if call('HGET', T .. ':nodes', number) ~= epoch or call('EXISTS', T .. ':n:' .. number) == 1 then return 0 end
for _, id in ipairs(call('SRANDMEMBER', T .. ':o:' .. number, 200)) do leave(id) end
local rest = call('SCARD', T .. ':o:' .. number)
if rest == 0 then
  call('HDEL', T .. ':nodes', number)
  call('HDEL', T .. ':owners', number)
  call('HDEL', T .. ':ids', number)
  call('HDEL', T .. ':names', number)
  call('DEL', T .. ':sessions:' .. number)
end
return rest`,

  /** number, epoch: ends the lease before its time. */
  expire: `
local number, epoch = unpack(ARGV)
if lives(number, epoch) then call('DEL', T .. ':n:' .. number) end
return 1`,

  /**
   * number, epoch, id, name, room, password, order or 0, whether to tell the members -> made, seq of the join; the room
   * that was left, made, seq of that; the room's password; the members.
   */
  join: `
local number, epoch, id, name, room, password, order, full = unpack(ARGV)
if not lives(number, epoch) then return {'fenced'} end
local R = T .. ':r:' .. room
local by = call('HGET', T .. ':by', id)
if by and by ~= number then return {'taken'} end
if call('HGET', T .. ':at', id) == room then
  local made, seq, pw = unpack(call('HMGET', R, 'made', 'seq', 'pw'))
  return members(room, {'joined', tonumber(made), tonumber(seq), '', 0, 0, pw})
end
local wanted = call('HGET', R, 'pw')
if wanted and wanted ~= '' and wanted ~= password then return {'refused'} end
local left, leftMade, leftSeq = leave(id)
order = tonumber(order)
if not wanted then
  local made = call('INCR', T .. ':made')
  call('HSET', R, 'made', made, 'pw', password, 'order', 0)
  call('ZADD', T .. ':rooms', made, room)
  if order > 0 then call('HSET', R, 're', 1) end
elseif order > 0 and not call('HGET', R, 're') then
  order = 0
end
if order > 0 then
  if order > tonumber(call('HGET', R, 'order')) then call('HSET', R, 'order', order) end
else
  order = call('HINCRBY', R, 'order', 1)
  call('HDEL', R, 're')
end
call('ZADD', T .. ':m:' .. room, order, id)
call('HSET', T .. ':at', id, room)
call('HSET', T .. ':by', id, number)
call('HSET', T .. ':name', id, name)
call('SADD', T .. ':o:' .. number, id)
local made, seq = say(room, 'J' .. id .. ' ' .. order .. ' ' .. name)
local reply = {'joined', tonumber(made), seq, left, tonumber(leftMade), leftSeq, wanted or password}
if full == '1' then return members(room, reply) end
return reply`,

  /** room, password -> 1 where it would let one in. */
  admits: `
local room, password = unpack(ARGV)
local wanted = call('HGET', T .. ':r:' .. room, 'pw')
return (not wanted or wanted == '' or wanted == password) and 1 or 0`,

  /** number, epoch, id -> made, seq of the leave; nothing: it was in no room. */
  leave: `
local number, epoch, id = unpack(ARGV)
if not lives(number, epoch) then return {'fenced'} end
if call('HGET', T .. ':by', id) ~= number then return {'none'} end
local room, made, seq = leave(id)
return {'left', tonumber(made), seq}`,

  /** number, epoch, id, room, post -> made, seq of the post. */
  post: `
local number, epoch, id, room, post = unpack(ARGV)
if not lives(number, epoch) then return {'fenced'} end
if call('HGET', T .. ':at', id) ~= room then return {'none'} end
local made, seq = say(room, post)
return {'posted', tonumber(made), seq}`,

  /** number, epoch, channel, post -> what became of it. */
  tell: `
local number, epoch, channel, post = unpack(ARGV)
if not lives(number, epoch) then return {'fenced'} end
call('$PUBLISH', T .. channel, post)
return {'posted'}`,

  /** room -> made, seq, then id, order, name of each member; nothing: there is no such room. */
  read: `
local room = ARGV[1]
local R = T .. ':r:' .. room
local made = call('HGET', R, 'made')
if not made then return {} end
return members(room, {tonumber(made), tonumber(call('HGET', R, 'seq'))})`,

  /** number -> id, room, ... of the node's members. */
  own: `
local reply = {}
for _, id in ipairs(call('SMEMBERS', T .. ':o:' .. ARGV[1])) do
  reply[#reply + 1] = id
  reply[#reply + 1] = call('HGET', T .. ':at', id)
end
return reply`,

  /** password, or nothing for all -> name, made, members, private, ... */
  rooms: `
local password = ARGV[1]
local reply = {}
local found = call('ZRANGE', T .. ':rooms', 0, -1, 'WITHSCORES')
for i = 1, #found, 2 do
  local pw = call('HGET', T .. ':r:' .. found[i], 'pw')
  if not password or pw == '' or pw == password then
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = tonumber(found[i + 1])
    reply[#reply + 1] = call('ZCARD', T .. ':m:' .. found[i])
    reply[#reply + 1] = pw == '' and 0 or 1
  end
end
return reply`,

  /** number, epoch, names, then id, session, ...; an empty session is gone. */
  sessions: `
local number, epoch, names = unpack(ARGV, 1, 3)
if not lives(number, epoch) then return {'fenced'} end
if names == '[]' then call('HDEL', T .. ':names', number) else call('HSET', T .. ':names', number, names) end
for i = 4, #ARGV, 2 do
  if ARGV[i + 1] == '' then call('HDEL', T .. ':sessions:' .. number, ARGV[i])
  else call('HSET', T .. ':sessions:' .. number, ARGV[i], ARGV[i + 1]) end
end
return {'kept'}`,

  /** -> of each living node: number, name, {id, session, ...} */
  nodes: `
local reply = {}
local nodes = call('HKEYS', T .. ':nodes')
for _, number in ipairs(nodes) do
  if call('EXISTS', T .. ':n:' .. number) == 1 then
    reply[#reply + 1] = number
    reply[#reply + 1] = call('HGET', T .. ':ids', number)
    reply[#reply + 1] = call('HGETALL', T .. ':sessions:' .. number)
  end
end
return reply`,
} as const;

export type ScriptName = keyof typeof BODIES;

/** The Lua of every script, for an engine that publishes with `publish`. */
export function scriptsFor(publish: "PUBLISH" | "SPUBLISH"): Record<ScriptName, string> {
  const whole = Object.entries(BODIES).map(([name, body]) => [
    name,
    (PRELUDE + body).replaceAll("$PUBLISH", publish),
  ]);
  return Object.fromEntries(whole) as Record<ScriptName, string>;
}
