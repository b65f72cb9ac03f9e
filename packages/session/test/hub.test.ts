import { describe, expect, test } from "vitest";
import {
  type Backplane,
  type BackplaneEvent,
  createHub,
  type Hub,
  type HubEvent,
  type HubOptions,
  memoryAccounts,
  memoryBackplane,
  nodeOfId,
  RefusedError,
  type Session,
} from "../src/index.ts";

/** A session whose events are short words: `joined lobby ann`, `message ann hi`. */
function person(hub: Hub, name: string, address = "192.0.2.1"): { session: Session; seen: string[] } {
  const seen: string[] = [];
  const peer = {
    deliver: (event: HubEvent) => seen.push(words(event)),
    expired() {},
    close() {},
  };
  const session = hub.open({ protocol: "test", remoteAddress: address, peer });
  hub.enter(session, name);
  return { session, seen };
}

/** A session that has not said who it is, and goes when it is told to. */
function stranger(hub: Hub): { session: Session } {
  const peer = { deliver() {}, expired() {}, close: () => hub.close(session) };
  const session: Session = hub.open({ protocol: "test", remoteAddress: "192.0.2.1", peer });
  return { session };
}

function people<const Names extends readonly string[]>(
  hub: Hub,
  ...names: Names
): { [K in keyof Names]: ReturnType<typeof person> } {
  return names.map((name) => person(hub, name)) as { [K in keyof Names]: ReturnType<typeof person> };
}

function words(event: HubEvent): string {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  switch (event.type) {
    case "message":
      return `message ${event.from.name} ${text(event.body)}`;
    case "command":
      return `command ${event.from} ${event.fields.map(text).join(" ")}`;
    default:
      return `${event.type} ${event.room} ${event.member.name}`;
  }
}

function makeHub(options: Partial<HubOptions> = {}): Hub {
  return createHub({ accounts: memoryAccounts({ iterations: 1 }), ...options });
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const toAll = { toSender: true, ordered: false, channel: "stream" } as const;
const toOthers = { toSender: false, ordered: false, channel: "stream" } as const;

function refusal(code: string): unknown {
  return expect.objectContaining({ name: "RefusedError", code });
}

describe("sessions", () => {
  test("ids are distinct, not in sequence, and fit 32 bits signed", () => {
    const hub = makeHub({ limits: { connectionRatePerIp: 1e6, connectionsPerIp: 1e6 } });
    const ids = Array.from({ length: 1_000 }, () => person(hub, "x").session.id);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id >= 65_536 && id <= 2 ** 31 - 1).toBe(true);
    expect([Math.min(...ids) < 2 ** 28, Math.max(...ids) > 2 ** 30]).toEqual([true, true]);
    const steps = ids.slice(1).filter((id, i) => id - (ids[i] as number) === 1);
    // By chance one in a thousand times one of them is.
    expect(steps.length).toBeLessThan(5);
  });

  test.each([
    ["in all", { maxConnections: 2 }, "192.0.2.9"],
    ["from one address", { connectionsPerIp: 2 }, "192.0.2.1"],
    ["from one address in one second", { connectionRatePerIp: 2 }, "192.0.2.1"],
  ])("too many %s are refused", (_, limits, third) => {
    const hub = makeHub({ limits, clock: () => 0 });
    person(hub, "a");
    person(hub, "b");
    expect(() => person(hub, "c", third)).toThrow(refusal("too_many_connections"));
    expect(hub.sessionCount).toBe(2);
  });

  test.each([
    ["connectionsPerIp", "address"],
    ["connectionRatePerIp", "rate"],
  ] as const)("%s tells beforehand whether there is room, those on their way counted", (limit, reason) => {
    let now = 0;
    const hub = makeHub({ limits: { [limit]: 3 }, clock: () => now });
    person(hub, "a");
    expect([0, 1, 2].map((waiting) => hub.hasRoomFor("192.0.2.1", waiting))).toEqual([true, true, false]);
    expect(hub.hasRoomFor("192.0.2.9", 2)).toBe(true);
    expect(hub.counters.refused[reason]).toBe(1);
    // Asking takes nothing, and a second later the rate is another.
    person(hub, "b");
    person(hub, "c");
    expect(hub.hasRoomFor("192.0.2.1", 0)).toBe(false);
    now = 1_000;
    expect(hub.hasRoomFor("192.0.2.1", 0)).toBe(limit === "connectionRatePerIp");
  });

  test("where it is full, who has not said who it is for a second makes room, and nobody who is known", () => {
    let now = 0;
    const hub = makeHub({ limits: { maxConnections: 3 }, clock: () => now });
    const known = person(hub, "a");
    const first = stranger(hub);
    now = 600;
    const second = stranger(hub);
    now = 999;
    expect(() => stranger(hub)).toThrow(refusal("too_many_connections"));
    now = 1_000;
    const third = stranger(hub);
    expect([known, first, second].map(({ session }) => session.state)).toEqual(["open", "closed", "open"]);
    hub.admit(second.session);
    hub.admit(third.session);
    now = 5_000;
    expect(() => stranger(hub)).toThrow(refusal("too_many_connections"));
    expect(hub.sessionCount).toBe(3);
  });

  test("who made room is not counted for its address any more", () => {
    let now = 0;
    const hub = makeHub({ limits: { maxConnections: 2, connectionsPerIp: 3 }, clock: () => now });
    for (let i = 0; i < 10; i++) {
      stranger(hub);
      now += 1_000;
    }
    expect(hub.sessionCount).toBe(2);
  });

  test("connections that have not logged in have a budget of their own", () => {
    let now = 0;
    const hub = makeHub({ limits: { preLoginConnections: 2 }, clock: () => now });
    const [a, b] = [stranger(hub), stranger(hub)];
    expect(() => stranger(hub)).toThrow(refusal("too_many_connections"));
    hub.enter(b.session, "b");
    const c = stranger(hub);
    now = 1_000;
    stranger(hub);
    expect([a, b, c].map(({ session }) => session.state)).toEqual(["closed", "open", "open"]);
  });

  test("a closed session makes room, and closing twice is as once", () => {
    const hub = makeHub({ limits: { connectionsPerIp: 2 } });
    const { session } = person(hub, "a");
    person(hub, "b");
    hub.close(session);
    hub.close(session);
    person(hub, "c");
    expect(() => person(hub, "d")).toThrow(refusal("too_many_connections"));
  });

  test("a name with a control character is refused", () => {
    const hub = makeHub();
    expect(() => person(hub, "a\u001b[2J")).toThrow(refusal("invalid_name"));
  });
});

describe("rooms", () => {
  test("a joiner is told of itself, of those already there in join order, and of the master", () => {
    const hub = makeHub();
    const [a, b, c] = people(hub, "a", "b", "c");
    hub.join(a.session, "lobby", "");
    hub.join(b.session, "lobby", "");
    hub.join(c.session, "lobby", "");
    expect(a.seen).toEqual(["joined lobby a", "master lobby a", "joined lobby b", "joined lobby c"]);
    expect(b.seen).toEqual(["joined lobby b", "joined lobby a", "master lobby a", "joined lobby c"]);
    expect(c.seen).toEqual(["joined lobby c", "joined lobby a", "joined lobby b", "master lobby a"]);
  });

  test("a join elsewhere that is told late, of a room that nobody here is in any more, makes no room here", () => {
    const told: ((event: BackplaneEvent) => void)[] = [];
    const backplane = memoryBackplane();
    const hub = makeHub({
      backplane: {
        open(receive) {
          told.push(receive);
          return backplane.open(receive);
        },
      },
    });
    const late = { id: 70_000, name: "late" };
    told[0]?.({ type: "joined", room: "lobby", member: late, members: [late] });
    expect(hub.roomCount).toBe(0);
  });

  test("when the master leaves, the leave is told before the new master, who is the eldest", () => {
    const hub = makeHub();
    const [a, b, c] = people(hub, "a", "b", "c");
    for (const { session } of [a, b, c]) hub.join(session, "lobby", "");
    for (const { seen } of [a, b, c]) seen.length = 0;
    hub.leave(a.session);
    expect(a.seen).toEqual(["left lobby a"]);
    expect(b.seen).toEqual(["left lobby a", "master lobby b"]);
    expect(c.seen).toEqual(["left lobby a", "master lobby b"]);
  });

  test("a disconnected member has left", () => {
    const hub = makeHub();
    const [a, b] = people(hub, "a", "b");
    for (const { session } of [a, b]) hub.join(session, "lobby", "");
    b.seen.length = 0;
    hub.close(a.session);
    expect(b.seen).toEqual(["left lobby a", "master lobby b"]);
    expect(hub.rooms()).toEqual([{ name: "lobby", members: 1, private: false }]);
  });

  test("a refused join leaves one where one was", () => {
    const hub = makeHub();
    const [a, b] = people(hub, "a", "b");
    hub.join(a.session, "den", "secret");
    hub.join(b.session, "hall", "");
    b.seen.length = 0;
    expect(() => hub.join(b.session, "den", "guess")).toThrow(refusal("wrong_password"));
    expect(() => hub.join(b.session, "a\u0000", "")).toThrow(refusal("invalid_name"));
    expect(b.seen).toEqual([]);
    expect(b.session.room?.name).toBe("hall");
  });

  test("messages go to the others, or to all", () => {
    const hub = makeHub();
    const [a, b, c] = people(hub, "a", "b", "c");
    hub.join(a.session, "lobby", "");
    hub.join(b.session, "lobby", "");
    for (const { seen } of [a, b]) seen.length = 0;
    hub.post(a.session, bytes("one"), toOthers);
    hub.post(a.session, bytes("two"), toAll);
    expect(a.seen).toEqual(["message a two"]);
    expect(b.seen).toEqual(["message a one", "message a two"]);
    expect(c.seen).toEqual([]);
    expect(() => hub.post(c.session, bytes("x"), toAll)).toThrow(refusal("not_in_room"));
  });

  test("a sender over its rate is refused until the next second", () => {
    let now = 0;
    const hub = makeHub({ limits: { messagesPerSecond: 2 }, clock: () => now });
    const { session, seen } = person(hub, "a");
    hub.join(session, "lobby", "");
    seen.length = 0;
    for (const text of ["1", "2"]) hub.post(session, bytes(text), toAll);
    expect(() => hub.post(session, bytes("3"), toAll)).toThrow(refusal("rate_limited"));
    now = 1_000;
    hub.post(session, bytes("4"), toAll);
    expect(seen).toEqual(["message a 1", "message a 2", "message a 4"]);
  });
});

describe("a message to many", () => {
  const body = bytes("x");

  test("counts against its sender's limit once for every 256 who get it", () => {
    const limits = { messagesPerSecond: 4, connectionsPerIp: 1e6, connectionRatePerIp: 1e6 };
    const hub = makeHub({ limits, clock: () => 0 });
    const crowd = Array.from({ length: 257 }, (_, i) => person(hub, `p${i}`));
    const [{ session: a }, { session: b }] = crowd as [(typeof crowd)[0], (typeof crowd)[0]];
    for (const { session } of crowd) hub.join(session, "lobby", "");
    const ids = crowd.map(({ session }) => session.id);
    hub.defineGroup(b, "most", ids.slice(0, 256));
    hub.defineGroup(b, "all", ids);
    for (let i = 0; i < 2; i++) hub.post(a, body, toOthers);
    expect(() => hub.post(a, body, toOthers)).toThrow(refusal("rate_limited"));
    for (let i = 0; i < 3; i++) hub.postToGroup(b, "most", body, "stream");
    // Its last one may be over: what counts is that one more is not.
    hub.postToGroup(b, "all", body, "stream");
    expect(() => hub.postToGroup(b, "most", body, "stream")).toThrow(refusal("rate_limited"));
  });
});

describe("groups", () => {
  test("cross rooms, may hold oneself, and survive a change of room", () => {
    const hub = makeHub();
    const [a, b] = people(hub, "a", "b");
    hub.join(a.session, "one", "");
    hub.join(b.session, "two", "");
    hub.defineGroup(a.session, "friends", [a.session.id, b.session.id, 1, b.session.id]);
    hub.join(a.session, "three", "");
    for (const { seen } of [a, b]) seen.length = 0;
    hub.postToGroup(a.session, "friends", bytes("hi"), "stream");
    expect([a.seen, b.seen]).toEqual([["message a hi"], ["message a hi"]]);
  });

  test("are replaced, emptied, and lose members that are gone", () => {
    const hub = makeHub();
    const [a, b, c] = people(hub, "a", "b", "c");
    hub.defineGroup(a.session, "g", [b.session.id]);
    hub.defineGroup(a.session, "g", [b.session.id, c.session.id]);
    hub.close(b.session);
    hub.postToGroup(a.session, "g", bytes("1"), "stream");
    hub.defineGroup(a.session, "g", []);
    hub.postToGroup(a.session, "g", bytes("2"), "stream");
    expect([b.seen, c.seen]).toEqual([[], ["message a 1"]]);
  });

  test("are bounded in number", () => {
    const hub = makeHub();
    const { session } = person(hub, "a");
    for (let i = 0; i < 256; i++) hub.defineGroup(session, `g${i}`, [session.id]);
    expect(() => hub.defineGroup(session, "one more", [session.id])).toThrow(refusal("too_many_groups"));
    hub.defineGroup(session, "g0", [session.id]);
  });
});

describe("users", () => {
  test("a user on two sessions is one user, and gets a command on both", async () => {
    const hub = makeHub();
    const [a, b, c] = people(hub, "a", "b", "c");
    await hub.register(a.session, "Ann", "pw");
    await hub.register(a.session, "bob", "pw");
    await hub.login(a.session, "ann", "pw");
    await hub.login(b.session, "ANN", "pw");
    await hub.login(c.session, "bob", "pw");
    expect([a.session.name, b.session.name]).toEqual(["Ann", "Ann"]);
    hub.sendToUser(c.session, "aNN", [bytes("text"), bytes("hi")]);
    expect([a.seen, b.seen]).toEqual([["command bob text hi"], ["command bob text hi"]]);
  });

  test("an unknown user is refused, a known one who is away gets nothing", async () => {
    const hub = makeHub();
    const { session } = person(hub, "a");
    await hub.register(session, "ann", "pw");
    await hub.register(session, "bob", "pw");
    await hub.login(session, "ann", "pw");
    expect(hub.sendToUser(session, "bob", [])).toBeUndefined();
    expect(() => hub.sendToUser(session, "carl", [])).toThrow(refusal("unknown_user"));
  });

  test("a second login switches the user", async () => {
    const hub = makeHub();
    const { session } = person(hub, "a");
    for (const name of ["ann", "bob"]) await hub.register(session, name, "pw");
    await hub.login(session, "ann", "pw");
    await hub.login(session, "bob", "pw");
    expect(hub.sessionsOf("ann").size).toBe(0);
    expect([...hub.sessionsOf("BOB")]).toEqual([session]);
    hub.close(session);
    expect(hub.sessionsOf("bob").size).toBe(0);
  });

  test("who sends must be logged in", () => {
    const hub = makeHub();
    expect(() => hub.sendToUser(person(hub, "a").session, "ann", [])).toThrow(refusal("not_logged_in"));
  });

  test("a session that went while it logged in is nobody", async () => {
    const hub = makeHub();
    const { session } = person(hub, "a");
    await hub.register(session, "ann", "pw");
    const login = hub.login(session, "ann", "pw");
    hub.close(session);
    await login;
    expect(hub.sessionsOf("ann").size).toBe(0);
  });

  test("failed logins are limited by address and user, though all were sent at once", async () => {
    const hub = makeHub({ limits: { loginFailuresPerMinute: 3 }, clock: () => 0 });
    const { session } = person(hub, "a");
    await hub.register(session, "ann", "pw");
    await hub.register(session, "bob", "pw");
    const tries = await Promise.allSettled(Array.from({ length: 10 }, () => hub.login(session, "ann", "no")));
    const codes = tries.map((result) => (result.status === "rejected" ? result.reason.code : "in"));
    expect(codes.filter((code) => code === "wrong_user_or_password")).toHaveLength(3);
    expect(codes.filter((code) => code === "rate_limited")).toHaveLength(7);
    await hub.login(session, "bob", "pw");
    const elsewhere = person(hub, "b", "192.0.2.2");
    await hub.login(elsewhere.session, "ann", "pw");
  });

  test("failed logins are limited by address too, over all users, and lock out nobody elsewhere", async () => {
    const limits = { loginFailuresPerIp: 3, registrationsPerMinute: 100 };
    const hub = makeHub({ limits, clock: () => 0 });
    const { session } = person(hub, "a");
    await hub.register(session, "ann", "pw");
    const guess = (name: string): Promise<string> =>
      hub.login(session, name, "no").then(
        () => "in",
        (error) => error.code,
      );
    const codes = await Promise.all(["ann", "bob", "carl", "dora", "ann"].map(guess));
    expect(codes).toEqual([...Array(3).fill("wrong_user_or_password"), ...Array(2).fill("rate_limited")]);
    const elsewhere = person(hub, "b", "192.0.2.2");
    await hub.login(elsewhere.session, "ann", "pw");
  });

  test("a guesser cannot make the count of one user forgotten by naming many others", async () => {
    const hub = makeHub({ limits: { loginFailuresPerMinute: 1 }, clock: () => 0 });
    const { session } = person(hub, "a");
    await hub.login(session, "ann", "no").catch(() => {});
    const many = Array.from({ length: 10_001 }, (_, i) => hub.login(session, `u${i}`, "no"));
    await Promise.allSettled(many);
    await expect(hub.login(session, "ann", "no")).rejects.toThrow(refusal("rate_limited"));
  });

  test("a login that the store was too busy for is no failure", async () => {
    let isBusy = true;
    const store = memoryAccounts({ iterations: 1 });
    const accounts: typeof store = {
      ...store,
      authenticate: async (name, password) => {
        if (isBusy) throw new RefusedError("timeout", "too many wait");
        return store.authenticate(name, password);
      },
    };
    const hub = makeHub({ accounts, limits: { loginFailuresPerMinute: 1 }, clock: () => 0 });
    const { session } = person(hub, "a");
    await hub.register(session, "ann", "pw");
    for (let i = 0; i < 3; i++)
      await expect(hub.login(session, "ann", "pw")).rejects.toThrow(refusal("timeout"));
    isBusy = false;
    await hub.login(session, "ann", "pw");
  });

  test("successful logins count as none", async () => {
    const hub = makeHub({ limits: { loginFailuresPerMinute: 1 }, clock: () => 0 });
    const { session } = person(hub, "a");
    await hub.register(session, "ann", "pw");
    for (let i = 0; i < 5; i++) await hub.login(session, "ann", "pw");
  });

  test("registrations are limited by address", async () => {
    const hub = makeHub({ limits: { registrationsPerMinute: 1 }, clock: () => 0 });
    const { session } = person(hub, "a");
    await hub.register(session, "ann", "pw");
    await expect(hub.register(session, "bob", "pw")).rejects.toThrow(refusal("rate_limited"));
  });
});

describe("a back plane that has missed something", () => {
  /** A hub whose back plane can be made to say anything. */
  function told(): { hub: Hub; tell: (event: BackplaneEvent) => void } {
    const inner = memoryBackplane();
    let tell: (event: BackplaneEvent) => void = () => {};
    const backplane: Backplane = {
      open(receive, sessions) {
        tell = receive;
        return inner.open(receive, sessions);
      },
    };
    return { hub: makeHub({ backplane }), tell: (event) => tell(event) };
  }

  test("tells the members, and each is told the difference alone", () => {
    const { hub, tell } = told();
    const [a, b] = people(hub, "a", "b");
    for (const { session } of [a, b]) hub.join(session, "lobby", "");
    for (const { seen } of [a, b]) seen.length = 0;
    const c = { id: 2_000_000_000, name: "c" };
    tell({ type: "members", room: "lobby", members: [c, b.session, a.session] });
    expect([a.seen, b.seen]).toEqual([
      ["joined lobby c", "master lobby c"],
      ["joined lobby c", "master lobby c"],
    ]);
    tell({ type: "members", room: "lobby", members: [c, b.session, a.session] });
    tell({ type: "members", room: "lobby", members: [b.session] });
    expect(a.seen.slice(2)).toEqual(["left lobby c", "left lobby a"]);
    expect(b.seen.slice(2)).toEqual(["left lobby c", "left lobby a", "master lobby b"]);
    expect(a.session.room).toBeUndefined();
  });

  test("a session of this hub that is new among them has joined, and leaves no other room", () => {
    const { hub, tell } = told();
    const [a, b, c] = people(hub, "a", "b", "c");
    hub.join(a.session, "lobby", "");
    a.seen.length = 0;
    tell({ type: "members", room: "lobby", members: [a.session, b.session, c.session] });
    expect([a.seen, b.seen, c.seen]).toEqual([
      ["joined lobby b", "joined lobby c"],
      ["joined lobby b", "joined lobby a", "master lobby a", "joined lobby c"],
      ["joined lobby c", "joined lobby a", "joined lobby b", "master lobby a"],
    ]);
    hub.post(b.session, bytes("hi"), toOthers);
    expect([a.seen.at(-1), c.seen.at(-1)]).toEqual(["message b hi", "message b hi"]);
    // Told first where it went to, and then where it had been.
    tell({ type: "joined", room: "den", member: b.session, members: [b.session] });
    tell({ type: "members", room: "lobby", members: [a.session, c.session] });
    expect([a.session.room?.name, b.session.room?.name]).toEqual(["lobby", "den"]);
  });

  test("tells of a room that this hub is not in, which is nothing", () => {
    const { hub, tell } = told();
    tell({ type: "members", room: "lobby", members: [{ id: 2_000_000_000, name: "c" }] });
    expect(hub.roomCount).toBe(0);
  });

  test("somebody who comes back to the first place is the master to those who stayed", () => {
    const { hub, tell } = told();
    const a = person(hub, "a");
    hub.join(a.session, "lobby", "");
    a.seen.length = 0;
    const c = { id: 2_000_000_000, name: "c" };
    tell({ type: "joined", room: "lobby", member: c, members: [c, a.session] });
    expect(a.seen).toEqual(["joined lobby c", "master lobby c"]);
  });
});

describe("two hubs on one back plane", () => {
  function twoHubs(): [Hub, Hub] {
    const backplane = memoryBackplane();
    return [makeHub({ backplane }), makeHub({ backplane })];
  }

  test("members of both are one room", () => {
    const [one, two] = twoHubs();
    const [a, b] = [person(one, "a"), person(two, "b")];
    one.join(a.session, "lobby", "");
    two.join(b.session, "lobby", "");
    one.post(a.session, bytes("1"), toAll);
    two.post(b.session, bytes("2"), toOthers);
    one.close(a.session);
    expect(a.seen).toEqual([
      "joined lobby a",
      "master lobby a",
      "joined lobby b",
      "message a 1",
      "message b 2",
    ]);
    expect(b.seen).toEqual([
      "joined lobby b",
      "joined lobby a",
      "master lobby a",
      "message a 1",
      "left lobby a",
      "master lobby b",
    ]);
  });

  test("ordered messages have one order at all", () => {
    const [one, two] = twoHubs();
    const [a, b] = [person(one, "a"), person(two, "b")];
    one.join(a.session, "lobby", "");
    two.join(b.session, "lobby", "");
    for (const { seen } of [a, b]) seen.length = 0;
    for (let i = 0; i < 10; i++) {
      one.post(a.session, bytes(`${i}`), { ...toAll, ordered: true });
      two.post(b.session, bytes(`${i}`), { ...toAll, ordered: true });
    }
    expect(a.seen).toHaveLength(20);
    expect(a.seen).toEqual(b.seen);
  });

  test("ids are of one hub alone, whatever their number", () => {
    const backplane = memoryBackplane();
    const limits = { connectionRatePerIp: 1e6, connectionsPerIp: 1e6 };
    const hubs = [1, 2, 3].map(() => makeHub({ backplane, limits }));
    const ids = hubs.flatMap((hub) => Array.from({ length: 1_000 }, () => person(hub, "x").session.id));
    expect(new Set(ids).size).toBe(3_000);
    expect(new Set(ids.map(nodeOfId)).size).toBe(3);
  });

  test("a group has members on both, and unknown ones are nobody", () => {
    const [one, two] = twoHubs();
    const [a, b] = [person(one, "a"), person(two, "b")];
    one.defineGroup(a.session, "us", [a.session.id, b.session.id, b.session.id + 1, 7, 2 ** 31 - 1]);
    one.postToGroup(a.session, "us", bytes("1"), "stream");
    two.close(b.session);
    one.postToGroup(a.session, "us", bytes("2"), "stream");
    expect([a.seen, b.seen]).toEqual([["message a 1", "message a 2"], ["message a 1"]]);
  });

  test("where there is no other node, ids that nobody has are nobody, however many", () => {
    const hub = makeHub();
    const a = person(hub, "a");
    const unknown = Array.from({ length: 10_000 }, (_, i) => 5_000_000 + i);
    hub.defineGroup(a.session, "g", [...unknown, a.session.id]);
    hub.postToGroup(a.session, "g", bytes("hi"), "stream");
    expect(a.seen).toEqual(["message a hi"]);
  });

  test("the members that a session's groups have elsewhere are bounded", () => {
    const [one] = twoHubs();
    const { session } = person(one, "a");
    const ids = Array.from({ length: 4_097 }, (_, i) => 2 ** 30 + i);
    expect(() => one.defineGroup(session, "many", ids)).toThrow(refusal("too_many_groups"));
    one.defineGroup(session, "many", ids.slice(1));
    expect(() => one.defineGroup(session, "more", [2 ** 30])).toThrow(refusal("too_many_groups"));
    one.defineGroup(session, "many", []);
    one.defineGroup(session, "more", [2 ** 30]);
  });

  test("either lists the sessions of both, by node", async () => {
    const [one, two] = twoHubs();
    const [a, b] = [person(one, "a"), person(two, "b")];
    const lists = (await one.nodes()).map(({ self, sessions }) => [self, sessions.map(({ id }) => id)]);
    expect(lists).toEqual([
      [true, [a.session.id]],
      [false, [b.session.id]],
    ]);
  });

  test("either knows how many sessions the other has, and their names", () => {
    const [one, two] = twoHubs();
    expect(two.elsewhere).toEqual({ nodes: 1, sessions: 0, names: [] });
    const [a] = [person(one, "a"), person(one, "b")];
    expect(two.elsewhere).toEqual({ nodes: 1, sessions: 2, names: ["a", "b"] });
    one.close(a.session);
    expect([one.elsewhere.sessions, two.elsewhere.sessions]).toEqual([0, 1]);
  });

  test("a command reaches a user on the other", async () => {
    const accounts = memoryAccounts({ iterations: 1 });
    const backplane = memoryBackplane();
    const [one, two] = [makeHub({ accounts, backplane }), makeHub({ accounts, backplane })];
    const [a, b] = [person(one, "a"), person(two, "b")];
    await one.register(a.session, "ann", "pw");
    await one.register(a.session, "bob", "pw");
    await one.login(a.session, "ann", "pw");
    await two.login(b.session, "bob", "pw");
    one.sendToUser(a.session, "bob", [bytes("hi")]);
    expect(b.seen).toEqual(["command ann hi"]);
  });
});
