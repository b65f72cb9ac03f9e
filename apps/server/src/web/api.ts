import { nameKey, type RoomSummary, type Session } from "@wireyard/session";
import { type Context, Hono } from "hono";
import { pino } from "pino";
import type { LogRecord } from "../recent-log.ts";
import type { WebContext } from "./context.ts";
import { BadParameter, firstOf, limitOf, pageOf, wholeNumber } from "./paging.ts";
import { within } from "./readiness.ts";

/** How long account store and back plane may take to answer a list. */
const ANSWER_MS = 3_000;
const NONE = { sessions: 0, opened: 0, received: 0, delivered: 0, slowReaders: 0 };

/** `/api`: what the console shows and does. Whoever gets here has shown the admin token. */
export function createApi(context: WebContext): Hono {
  const { hub, log } = context;
  const api = new Hono();

  api.get("/overview", (c) => {
    const after = wholeNumber("after", c.req.query("after") ?? "0");
    return c.json({ ...overview(context), samples: context.history.after(after) });
  });

  api.get("/sessions", (c) => {
    const { protocol, user, after } = c.req.query();
    const limit = limitOf(c.req.query("limit"));
    const begin = after === undefined ? undefined : cursorOf(after);
    const found = firstOf(sessionsLike(hub.sessions(), protocol, user), limit + 1, newestFirst, begin);
    return c.json(pageOf(found, limit, sessionRow, ({ openedAt, id }) => `${openedAt}-${id}`));
  });

  api.post("/sessions/:id/kick", (c) => {
    const session = hub.session(wholeNumber("id", c.req.param("id")));
    if (session === undefined) return refuse(c, 404, "no_such_session", "there is no such session");
    log.info(
      { session: session.id, protocol: session.protocol },
      "a session was kicked by the administrator",
    );
    session.peer.close("kicked by the administrator");
    return c.json({});
  });

  api.get("/rooms", async (c) => {
    const limit = limitOf(c.req.query("limit"));
    const after = c.req.query("after");
    const rooms = await within(ANSWER_MS, hub.allRooms());
    const begin = after === undefined ? undefined : { name: after };
    const found = firstOf(rooms, limit + 1, byName, begin);
    return c.json(pageOf(found, limit, roomRow, ({ name }) => name));
  });

  api.get("/rooms/:name/members", (c) => {
    const limit = limitOf(c.req.query("limit"));
    const skipped = wholeNumber("after", c.req.query("after") ?? "0");
    const room = hub.room(c.req.param("name"));
    if (room === undefined) return refuse(c, 404, "no_such_room", "no member of such a room is on this node");
    const members = room.members.slice(skipped, skipped + limit + 1);
    const row = ({ id, name }: { id: number; name: string }) => ({
      id,
      name,
      master: id === room.members[0]?.id,
    });
    return c.json(pageOf(members, limit, row, () => `${skipped + limit}`));
  });

  api.get("/users", async (c) => {
    const limit = limitOf(c.req.query("limit"));
    const after = c.req.query("after");
    const page = { limit: limit + 1, ...(after !== undefined && { after }) };
    const users = await within(ANSWER_MS, hub.accounts.list(page));
    const row = ({ name }: { name: string }) => ({ name, sessions: hub.sessionsOf(name).size });
    return c.json(pageOf(users, limit, row, ({ key }) => key));
  });

  api.get("/log", (c) => {
    const limit = limitOf(c.req.query("limit"));
    const { level, text, after } = c.req.query();
    const before = after === undefined ? undefined : wholeNumber("after", after);
    const found = firstRecords(context.recent.newest(before), limit + 1, { level, text });
    return c.json(
      pageOf(
        found,
        limit,
        (record) => record,
        ({ id }) => `${id}`,
      ),
    );
  });

  api.post("/drain", (c) => {
    log.info("the administrator asked to drain");
    // Behind the answer.
    setImmediate(context.drain);
    return c.json({ state: "draining" }, 202);
  });

  // Not `notFound`, which only the outermost app has.
  api.all("*", (c) => refuse(c, 404, "not_found", "there is nothing here; see the README of apps/server"));
  api.onError((error, c) => {
    if (error instanceof BadParameter) return refuse(c, 400, "bad_parameter", error.message);
    log.error({ err: error }, "a request of the console failed");
    return refuse(c, 503, "unavailable", "the account store or the back plane does not answer");
  });
  return api;
}

/** An answer that refuses, for programs and for people. */
export function refuse(
  c: Context,
  status: 400 | 401 | 403 | 404 | 429 | 503,
  code: string,
  message: string,
): Response {
  return c.json({ error: { code, message } }, status);
}

function overview(context: WebContext): object {
  const { hub, version, node, startedAt, readiness, history } = context;
  const { refused, loginFailures, registrations, protocols } = hub.counters;
  const { user, system } = process.cpuUsage();
  return {
    version,
    node,
    state: readiness.state,
    startedAt,
    now: Date.now(),
    sessions: hub.sessionCount,
    maxConnections: hub.limits.maxConnections,
    users: hub.userCount,
    rooms: hub.roomCount,
    protocols: Object.entries(context.protocols).map(([name, ports]) => ({
      name,
      ports,
      ...(protocols.get(name) ?? NONE),
    })),
    refused,
    loginFailures,
    registrations,
    process: {
      rssBytes: process.memoryUsage.rss(),
      cpuSeconds: (user + system) / 1e6,
      loopDelayMs: history.loopDelayMs,
    },
  };
}

type Cursor = Pick<Session, "openedAt" | "id">;

function newestFirst(a: Cursor, b: Cursor): number {
  return b.openedAt - a.openedAt || b.id - a.id;
}

/** Where a page begins: it stays right when the session it names is gone. */
function cursorOf(text: string): Cursor {
  const [, openedAt, id] = /^(\d{1,15})-(\d{1,10})$/.exec(text) ?? [];
  if (id === undefined) throw new BadParameter("after must be the next of the page before");
  return { openedAt: Number(openedAt), id: Number(id) };
}

function* sessionsLike(
  sessions: Iterable<Session>,
  protocol: string | undefined,
  user: string | undefined,
): Generator<Session> {
  const start = user === undefined ? "" : nameKey(user);
  for (const session of sessions) {
    if (protocol !== undefined && session.protocol !== protocol) continue;
    if (start === "" || nameKey(session.name).startsWith(start)) yield session;
  }
}

/** The first `count` of a level or a worse one, and with that text in the message or beside it. */
function firstRecords(
  records: Iterable<LogRecord>,
  count: number,
  { level = "trace", text = "" }: { level?: string | undefined; text?: string | undefined },
): LogRecord[] {
  const { values } = pino.levels;
  const least = values[level];
  if (least === undefined) throw new BadParameter(`level must be one of ${Object.keys(values).join(", ")}`);
  const wanted = text.toLowerCase();
  const found: LogRecord[] = [];
  for (const record of records) {
    if (found.length === count) break;
    if ((values[record.level] ?? 0) < least) continue;
    const words = `${record.message} ${JSON.stringify(record.fields)}`;
    if (words.toLowerCase().includes(wanted)) found.push(record);
  }
  return found;
}

/** Names, addresses and times. No token of any kind is in a session; the protocols keep theirs. */
function sessionRow({ id, protocol, transport, name, user, room, remoteAddress, openedAt }: Session): object {
  return {
    id,
    protocol,
    transport,
    name,
    user: user ?? null,
    room: room?.name ?? null,
    address: remoteAddress,
    openedAt,
  };
}

function roomRow({ name, members, private: closed }: RoomSummary): object {
  return { name, members, private: closed };
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
