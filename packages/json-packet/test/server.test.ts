import { inspect } from "node:util";
import { encodeText } from "@wireyard/framing";
import { RefusedError, UsageError } from "@wireyard/session";
import { describe, expect, test } from "vitest";
import { RawJson } from "../src/index.ts";
import type { ActionHandler, Connection } from "../src/server.ts";
import { ann, heard, settle, shaken, UUID, withAnn, yard } from "./people.ts";

/** A promise and its ends. */
function later<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: Error): void } {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

describe("a packet is refused", () => {
  const packet = (fields: Record<string, string>): string =>
    `{${Object.entries({ action: '"PING"', data: "1", "packet-created": "1.5", token: '"x"', ...fields })
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `"${name}":${value}`)
      .join(",")}}`;

  test.each([
    ["action", ""],
    ["action", "1"],
    ["data", ""],
    ["packet-created", ""],
    ["packet-created", '"1"'],
    ["packet-created", "null"],
    ["token", ""],
  ])(
    "[JSON-2.2] [JSON-2.5] where its %s is <%s>, before the handshake and after it",
    async (field, value) => {
      const { connect } = yard();
      const somebody = connect();
      somebody.say(packet({ [field]: value }));
      expect((await heard(somebody)).at(-1)).toEqual([
        "error",
        field === "action" ? "missing_field" : "not_registered",
      ]);
      somebody.say(`{"action":"handShake"}${packet({ [field]: value })}`);
      await settle();
      const refusal = somebody.packets().at(-1);
      expect(refusal?.data).toEqual({ code: "missing_field", message: expect.stringMatching(`^${field}: `) });
      expect(refusal?.token).toMatch(UUID);
      expect(somebody.closed).toBe(false);
    },
  );

  test("[JSON-2.2] but not for members that nobody knows", async () => {
    const { person } = yard();
    const bob = await person();
    bob.say(packet({ token: `"${bob.token}"`, more: '{"a":[]}' }));
    expect(await heard(bob)).toEqual([["PONG", 1]]);
  });

  test("[JSON-2.4] for any token but its connection's own, and nothing changes for the other", async () => {
    const calls: unknown[] = [];
    const { person, server } = yard({ actions: { note: (data) => void calls.push(data) } });
    const [eve, bob] = [await person(), await person()];
    for (const token of [
      `"${bob.token}"`,
      '"x"',
      '""',
      "null",
      "1",
      `{"${eve.token}":1}`,
      `"${eve.token}x"`,
      `"${eve.token.toUpperCase()}x"`,
    ]) {
      eve.say(packet({ action: '"note"', token }));
      eve.say(packet({ action: '"disconnect"', token }));
    }
    expect(await heard(eve)).toEqual(Array.from({ length: 16 }, () => ["error", "bad_token"]));
    expect([calls, server.clients.size, eve.closed, bob.closed, bob.lines]).toEqual([
      [],
      2,
      false,
      false,
      [],
    ]);
    bob.send("PING", "1");
    expect(await heard(bob)).toEqual([["PONG", 1]]);
  });

  test("[JSON-2.4] but not for its own token spelled with escapes", async () => {
    const { person } = yard();
    const bob = await person();
    const escaped = [...bob.token].map((digit) => `\\u00${digit.charCodeAt(0).toString(16)}`).join("");
    bob.say(packet({ token: `"${escaped}"` }));
    expect(await heard(bob)).toEqual([["PONG", 1]]);
  });

  test("[JSON-4.2] [JSON-5.6] for an action nobody is bound to, which is named", async () => {
    const { person } = yard();
    const bob = await person();
    bob.send("dance");
    bob.send("😀".repeat(100));
    await settle();
    const [one, two] = bob.packets();
    expect(one?.data).toEqual({
      code: "unknown_action",
      message: 'no handler is bound to the action "dance"',
    });
    expect(two?.data).toMatchObject({ code: "unknown_action" });
  });

  test("[JSON-2.5] for one reason at a time, the first that holds", async () => {
    const { person, connect } = yard();
    const stranger = connect();
    stranger.say(packet({ action: '"dance"', data: "" }) + packet({ action: '"dance"' }));
    expect(await heard(stranger)).toEqual([
      ["error", "not_registered"],
      ["error", "not_registered"],
    ]);
    const bob = await person();
    bob.say(packet({ action: '"dance"', data: "" }) + packet({ action: '"dance"' }));
    bob.send("dance");
    expect(await heard(bob)).toEqual([
      ["error", "missing_field"],
      ["error", "bad_token"],
      ["error", "unknown_action"],
    ]);
  });
});

describe("a connection ends", () => {
  test.each([
    ["bad_json", '{"action":"PING",}'],
    ["bad_json", "hello"],
    ["bad_json", '{"a":1,"a":2}'],
    ["bad_json", '{"__proto__":{}}'],
    ["too_deep", `{"action":${"[".repeat(32)}`],
    ["too_long", `{"action":"${"x".repeat(9_000)}`],
  ])("after telling %s, and nobody else notices", async (code, text) => {
    const { person, connect, server, hub } = yard();
    const [bob, eve] = [await person(), connect()];
    eve.say(text);
    expect(await heard(eve)).toEqual([["error", code]]);
    expect([eve.closed, server.clients.size, hub.sessionCount]).toEqual([true, 1, 1]);
    bob.send("PING", "1");
    expect(await heard(bob)).toEqual([["PONG", 1]]);
  });

  test("[JSON-1.3] at another length before the handshake than after it", async () => {
    const { person, connect } = yard();
    const long = `{"action":"handShake","data":"${"x".repeat(9_000)}"}`;
    const early = connect();
    early.say(long);
    expect(await heard(early)).toEqual([["error", "too_long"]]);
    expect(early.closed).toBe(true);
    const bob = await person();
    bob.send("PING", `"${"x".repeat(60_000)}"`);
    await settle();
    expect(bob.take()).toHaveLength(1);
    bob.send("PING", `"${"x".repeat(66_000)}"`);
    expect(await heard(bob)).toEqual([["error", "too_long"]]);
    expect(bob.closed).toBe(true);
  });

  test("[JSON-1.3] the length grows within one segment, with the handshake", async () => {
    const { connect } = yard();
    const person = connect();
    person.say(`{"action":"handShake"}{"action":"error","data":"${"x".repeat(9_000)}"}{"action":"PING"}`);
    expect(await heard(person)).toEqual([shaken, ["error", "missing_field"]]);
  });

  test.each(["GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\n\r\n{}"])(
    "[JSON-1.9] without a byte after %s",
    async (text) => {
      const { connect, hub } = yard();
      const browser = connect();
      browser.say(text);
      await settle();
      expect([browser.lines, browser.closed, hub.sessionCount]).toEqual([[], true, 0]);
    },
  );

  test("[JSON-6.1] [JSON-6.2] when a packet does not come to its end, however it drips in", async () => {
    const { person, pass } = yard();
    const bob = await person();
    bob.say('{"action":"');
    for (let i = 0; i < 19; i++) {
      await settle();
      pass(500);
      bob.say("x");
    }
    await settle();
    expect(bob.take()).toEqual([]);
    pass(600);
    expect(await heard(bob)).toEqual([["error", "timeout"]]);
    expect(bob.closed).toBe(true);
  });

  test("[JSON-6.2] not when each packet is whole in time", async () => {
    const { person, pass } = yard();
    const bob = await person();
    for (let i = 0; i < 4; i++) {
      bob.say('{"action":');
      await settle();
      pass(6_000);
      bob.say('"error"}{"action":');
      await settle();
      pass(6_000);
      bob.say('"error"}');
      await settle();
    }
    expect([bob.take(), bob.closed]).toEqual([[], false]);
  });

  test("[JSON-6.3] when nothing comes in for long, registered or not", async () => {
    const { person, connect, pass } = yard();
    const [bob, stranger] = [await person(), connect()];
    stranger.say(" ");
    await settle();
    pass(299_000);
    await settle();
    bob.send("PING", "1");
    expect(await heard(bob)).toEqual([["PONG", 1]]);
    expect(stranger.closed).toBe(false);
    pass(2_000);
    expect(await heard(stranger)).toEqual([["error", "timeout"]]);
    pass(297_000);
    expect([await heard(bob), bob.closed]).toEqual([[], false]);
    pass(2_000);
    expect(await heard(bob)).toEqual([["error", "timeout"]]);
    expect([bob.closed, stranger.closed]).toEqual([true, true]);
  });

  test("[JSON-5.3] when the client says disconnect, what is queued for it being sent", async () => {
    const { person, hub } = yard();
    const bob = await person();
    bob.send("PING", "1");
    bob.send("disconnect", '"bye"');
    bob.send("PING", "2");
    bob.say("nonsense");
    expect(await heard(bob)).toEqual([["PONG", 1]]);
    expect([bob.closed, hub.sessionCount]).toEqual([true, 0]);
  });

  test("[JSON-4.3] [JSON-6.5] when the server closes it, with a reason", async () => {
    const { person, connect, hub } = yard();
    const [bob, stranger] = [await person(), connect()];
    for (const session of [...hub.sessions()]) session.peer.close("the server stops");
    expect(await heard(bob)).toEqual([["disconnect", "the server stops"]]);
    expect(await heard(stranger)).toEqual([["disconnect", "the server stops"]]);
    expect([bob.closed, stranger.closed]).toEqual([true, true]);
  });

  test("[JSON-6.5] once the request at hand is answered", async () => {
    const work = later<string>();
    const { person, hub } = yard({ actions: { work: () => work.promise } });
    const bob = await person();
    bob.send("work");
    bob.send("PING", "1");
    await settle();
    for (const session of [...hub.sessions()]) session.peer.close("stop");
    expect([await heard(bob), bob.closed]).toEqual([[], false]);
    work.resolve("done");
    expect(await heard(bob)).toEqual([
      ["work", "done"],
      ["disconnect", "stop"],
    ]);
    expect(bob.closed).toBe(true);
  });

  test("[JSON-6.5] when its own handler closes it, behind the handler's answer", async () => {
    const { person } = yard({
      actions: {
        quit: (_data, connection) => {
          connection.close("as you wish");
          return "quitting";
        },
      },
    });
    const bob = await person();
    bob.send("quit");
    expect(await heard(bob)).toEqual([
      ["quit", "quitting"],
      ["disconnect", "as you wish"],
    ]);
  });
});

describe("built-in actions", () => {
  test("[JSON-5.1] [JSON-5.2] PING and isAlive are answered with their data byte for byte", async () => {
    const { person } = yard();
    const bob = await person();
    for (const data of ["null", "1.0", '{ "b":1, "a":[ ],"\\u0063":1e2}', `"${"é".repeat(50)}"`]) {
      bob.send("PING", data);
      bob.send("isAlive", data);
      await settle();
      const rest = `,"packet-created":TIME,"token":"TOKEN"}`;
      const lines = bob.lines
        .splice(0)
        .map((line) =>
          line.replace(/(?<="packet-created":)[\d.]+/, "TIME").replace(/[^"]+(?="\}$)/, "TOKEN"),
        );
      expect(lines).toEqual([
        `{"action":"PONG","data":${data}${rest}`,
        `{"action":"isAlive","data":${data}${rest}`,
      ]);
    }
  });

  test("[JSON-5.1] an action spelled with escapes is the same action", async () => {
    const { person } = yard({ actions: { 'a"b': () => "here" } });
    const bob = await person();
    bob.send("\\u0050ING", "1");
    bob.send('a\\"b');
    bob.send("a\\u0022b");
    expect(await heard(bob)).toEqual([
      ["PONG", 1],
      ['a"b', "here"],
      ['a"b', "here"],
    ]);
  });

  test("[JSON-5.4] an error and a PONG get no answer, an error not even for what it lacks", async () => {
    const { person, connect } = yard();
    const [bob, stranger] = [await person(), connect()];
    bob.say('{"action":"error"}');
    bob.send("error", '{"code":"x"}');
    bob.send("PONG");
    stranger.say('{"action":"error","data":1}');
    expect([await heard(bob), await heard(stranger)]).toEqual([[], []]);
  });

  test("[JSON-5.5] can be replaced, but for handShake and error", async () => {
    const { person, server } = yard({ actions: { PING: () => "mine" } });
    server.bindAction("disconnect", () => "no");
    const bob = await person();
    bob.send("PING");
    bob.send("disconnect");
    expect(await heard(bob)).toEqual([
      ["PING", "mine"],
      ["disconnect", "no"],
    ]);
    for (const name of ["handShake", "error"]) {
      expect(() => server.bindAction(name, () => 1)).toThrow(UsageError);
      expect(() => yard({ actions: { [name]: () => 1 } })).toThrow(UsageError);
    }
    const nothing = undefined as unknown as ActionHandler<Connection>;
    expect(() => server.bindAction("x", nothing)).toThrow(UsageError);
  });
});

describe("a bound handler", () => {
  test("[JSON-5.5] gets data, connection and packet, and what it returns is sent back", async () => {
    const seen: unknown[] = [];
    const { person, server } = yard();
    server.bindAction("sum", (data, connection, packet) => {
      seen.push(data, connection.token, connection.session.protocol, packet.action, packet.created);
      return (data as number[]).reduce((a, b) => a + b, 0);
    });
    const bob = await person();
    bob.send("sum", "[1,2,3]");
    expect(await heard(bob)).toEqual([["sum", 6]]);
    expect(seen).toEqual([[1, 2, 3], bob.token, "json-packet", "sum", 1.5]);
  });

  test("[JSON-5.5] that returns nothing sends nothing, and null is something", async () => {
    const { person } = yard({ actions: { quiet() {}, empty: () => null, none: async () => undefined } });
    const bob = await person();
    bob.send("quiet");
    bob.send("none");
    bob.send("empty");
    expect(await heard(bob)).toEqual([["empty", null]]);
  });

  test("is replaced by the next of its name", async () => {
    const { person, server } = yard({ actions: { a: () => 1 } });
    server.bindAction("a", () => 2);
    const bob = await person();
    bob.send("a");
    expect(await heard(bob)).toEqual([["a", 2]]);
  });

  test("[JSON-2.7] sends back original bytes: of the packet, now or later, or of a RawJson", async () => {
    const data = '{ "x" : 1.0,\\u00e9":2}'.replace(",", ',"');
    const { person } = yard({
      actions: {
        now: (_data, _connection, packet) => packet,
        later: async (_data, _connection, packet) => {
          await settle();
          return packet;
        },
        raw: (_data, _connection, packet) => new RawJson(packet.dataBytes),
        other: () => new RawJson(encodeText("1.0")),
      },
    });
    const bob = await person();
    for (const action of ["now", "later", "raw"]) bob.send(action, data);
    bob.send("other");
    await bob.until(4);
    expect(bob.lines.map((line) => line.slice(0, line.indexOf(',"packet-created"')))).toEqual([
      `{"action":"now","data":${data}`,
      `{"action":"later","data":${data}`,
      `{"action":"raw","data":${data}`,
      '{"action":"other","data":1.0',
    ]);
  });

  test("[JSON-1.2] that takes its time keeps the packets behind it waiting, not other clients", async () => {
    const work = later<number>();
    const { person } = yard({ actions: { work: () => work.promise } });
    const [bob, ann] = [await person(), await person()];
    bob.send("work");
    bob.send("PING", "1");
    ann.send("PING", "2");
    expect([await heard(bob), await heard(ann)]).toEqual([[], [["PONG", 2]]]);
    work.resolve(7);
    expect(await heard(bob)).toEqual([
      ["work", 7],
      ["PONG", 1],
    ]);
  });

  test("[JSON-5.6] that throws or rejects is told unhandled, the operator the reason", async () => {
    const { person, reports } = yard({
      actions: {
        throws: () => {
          throw new Error("inner");
        },
        rejects: async () => {
          throw new Error("later");
        },
      },
    });
    const bob = await person();
    bob.send("throws");
    bob.send("rejects");
    bob.send("PING", "1");
    await bob.until(3);
    expect(bob.lines.join()).not.toMatch(/inner|later/);
    expect(bob.take()).toEqual([
      ["error", "unhandled"],
      ["error", "unhandled"],
      ["PONG", 1],
    ]);
    expect(reports).toEqual([
      'the JSON packet action "throws" failed: inner',
      'the JSON packet action "rejects" failed: later',
    ]);
  });

  test.each([
    ["bigint", 1n],
    ["function", () => 1],
    ["broken RawJson", new RawJson(encodeText("{"))],
  ])("[JSON-5.6] that returns a %s is told unhandled", async (_name, value) => {
    const { person, reports } = yard({ actions: { now: () => value, soon: async () => value } });
    const bob = await person();
    bob.send("now");
    bob.send("soon");
    await bob.until(2);
    expect(bob.take()).toEqual([
      ["error", "unhandled"],
      ["error", "unhandled"],
    ]);
    expect(reports).toHaveLength(2);
  });

  test("[JSON-5.6] [JSON-6.4] that takes too long is told timeout, once, and what it comes to is dropped", async () => {
    const [slow, failing] = [later<string>(), later<string>()];
    const { person, pass, reports } = yard({
      actions: { slow: () => slow.promise, failing: () => failing.promise },
    });
    const bob = await person();
    bob.send("slow");
    bob.send("PING", "1");
    bob.send("failing");
    bob.send("PING", "2");
    await settle();
    pass(4_950);
    expect(await heard(bob)).toEqual([]);
    pass(100);
    expect(await heard(bob)).toEqual([
      ["error", "timeout"],
      ["PONG", 1],
    ]);
    pass(5_050);
    expect(await heard(bob)).toEqual([
      ["error", "timeout"],
      ["PONG", 2],
    ]);
    slow.resolve("late");
    failing.reject(new Error("late"));
    pass(5_050);
    expect([await heard(bob), bob.closed]).toEqual([[], false]);
    expect(reports).toEqual(['the JSON packet action "failing" failed late: late']);
  });

  test("[JSON-6.2] that takes its time does not count as a packet that does", async () => {
    const work = later<number>();
    const { person, pass } = yard(
      { actions: { work: () => work.promise } },
      { limits: { requestTimeoutMs: 60_000 } },
    );
    const bob = await person();
    bob.say('{"action":"wo');
    await settle();
    pass(9_000);
    bob.say(`rk","data":1,"packet-created":1,"token":"${bob.token}"}{"action":"PING",`);
    await settle();
    pass(30_000);
    work.resolve(1);
    expect(await heard(bob)).toEqual([["work", 1]]);
    bob.say(`"data":1,"packet-created":1,"token":"${bob.token}"}`);
    expect(await heard(bob)).toEqual([["PONG", 1]]);
  });

  test("may outlive its client", async () => {
    const work = later<number>();
    const { person, reports, hub } = yard({ actions: { work: () => work.promise } });
    const bob = await person();
    bob.send("work");
    await settle();
    bob.link.destroy();
    await settle();
    work.resolve(1);
    await settle();
    expect([reports, hub.sessionCount, bob.lines]).toEqual([[], 0, []]);
  });

  test("may refuse in the core's words", async () => {
    const refuse = (code: RefusedError["code"]): (() => never) => {
      return () => {
        throw new RefusedError(code, "half \ud83d");
      };
    };
    const { person, reports } = yard({
      actions: { often: refuse("rate_limited"), away: refuse("unavailable"), room: refuse("not_in_room") },
    });
    const bob = await person();
    for (const action of ["often", "away", "room"]) bob.send(action);
    expect(await heard(bob)).toEqual([
      ["error", "rate_limited"],
      ["error", "rate_limited"],
      ["error", "unhandled"],
    ]);
    expect(reports).toEqual([]);
  });
});

describe("what the server sends of itself", () => {
  test("a packet goes to one, or to all who are registered, and never before", async () => {
    const { person, connect, server } = yard();
    const [bob, ann, stranger] = [await person(), await person(), connect()];
    server.clients.get(bob.token)?.sendPacket(server.createPacket("hi", { you: "bob" }));
    server.broadcast(server.createPacket("news", [1]));
    expect(await heard(bob)).toEqual([
      ["hi", { you: "bob" }],
      ["news", [1]],
    ]);
    expect(await heard(ann)).toEqual([["news", [1]]]);
    expect(await heard(stranger)).toEqual([]);
    expect(() => server.createPacket("x", 1n)).toThrow(UsageError);
  });

  test("[JSON-2.7] [JSON-2.8] a client's packet goes to all as it was, but for its token", async () => {
    const { person, server } = yard();
    server.bindAction("tell", (_data, _connection, packet) => server.broadcast(packet));
    const [bob, ann] = [await person(), await person()];
    bob.send("tell", '{ "n":1.0 }');
    await settle();
    const [line] = ann.lines;
    const [packet] = ann.packets();
    expect(line).toContain('{"action":"tell","data":{ "n":1.0 },"packet-created":1.5,"token":"');
    expect(line).not.toContain(bob.token);
    expect(packet?.token).toMatch(UUID);
    expect(bob.lines).toEqual([line]);
  });

  test("[JSON-2.8] no log of a connection shows a token", async () => {
    const logged: string[] = [];
    const { person } = yard({
      actions: {
        look: (_data, connection, packet) => {
          logged.push(
            inspect([connection, connection.session, packet], { depth: 4 }),
            JSON.stringify(packet),
          );
        },
      },
    });
    const bob = await person();
    bob.send("look");
    await settle();
    expect(logged.join()).not.toContain(bob.token);
  });

  test("[JSON-4.4] a command that another user sends", async () => {
    const { person, hub } = yard({}, await withAnn());
    const [receiver, other] = [await person(ann), await person()];
    const sender = await person(ann);
    const session = [...hub.sessionsOf("ann")].at(-1);
    if (session === undefined) throw new Error("nobody is logged in");
    await hub.sendToUser(session, "ann", ["say", 'a,"é', ""].map(encodeText));
    const told = [["send", { from: "ann", fields: ["say", 'a,"é', ""] }]];
    expect([await heard(receiver), await heard(sender), await heard(other)]).toEqual([told, told, []]);
  });

  test("[JSON-4.5] [JSON-4.6] what happens in a room, and messages to a group", async () => {
    const { person, server, hub } = yard({
      actions: {
        enter: (data, connection) => {
          hub.enter(connection.session, String(data));
          return hub.join(connection.session, "lobby", "");
        },
        say: (data, { session }) =>
          hub.post(session, encodeText(String(data)), { toSender: false, ordered: false, channel: "stream" }),
        leave: (_data, connection) => hub.leave(connection.session),
      },
    });
    const [bob, eve] = [await person(), await person()];
    const [idOfBob, idOfEve] = [...server.clients.values()].map(({ session }) => session.id);
    bob.send("enter", '"bob"');
    eve.send("enter", '"eve"');
    await settle();
    eve.send("say", '"h\\u00e9"');
    eve.send("leave");
    const isBob = { room: "lobby", id: idOfBob, name: "bob" };
    const isEve = { room: "lobby", id: idOfEve, name: "eve" };
    expect(await heard(bob)).toEqual([
      ["joined", isBob],
      ["master", isBob],
      ["joined", isEve],
      ["message", { from: idOfEve, body: "hé" }],
      ["left", isEve],
    ]);
    expect(await heard(eve)).toEqual([
      ["joined", isEve],
      ["joined", isBob],
      ["master", isBob],
      ["left", isEve],
    ]);
  });

  test("[JSON-4.7] nothing of the hub's before the handshake", async () => {
    const { person, connect, hub, server } = yard();
    const [bob, stranger] = [await person(), connect()];
    const own = server.clients.get(bob.token)?.session;
    if (own === undefined) throw new Error("bob is not registered");
    hub.defineGroup(
      own,
      "all",
      [...hub.sessions()].map(({ id }) => id),
    );
    hub.postToGroup(own, "all", encodeText("hello"), "stream");
    expect([await heard(bob), await heard(stranger)]).toEqual([
      [["message", { from: own.id, body: "hello" }]],
      [],
    ]);
  });
});

test("a link beyond the limit is closed without a byte", async () => {
  const { connect } = yard({}, { limits: { maxConnections: 1 } });
  const [one, two] = [connect(), connect()];
  await settle();
  expect([one.closed, two.closed, two.lines]).toEqual([false, true, []]);
});
