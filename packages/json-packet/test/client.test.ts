import { encodeText } from "@wireyard/framing";
import { createHub, memoryAccounts } from "@wireyard/session";
import { type Listener, listenTcp, memoryLinks } from "@wireyard/transport";
import { afterEach, describe, expect, test } from "vitest";
import {
  connectJsonPacket,
  JsonPacketClient,
  type JsonPacketClientOptions,
  type JsonPacketEvent,
} from "../src/client.ts";
import { type JsonPacketOptions, type JsonPacketServer, jsonPacket } from "../src/server.ts";
import { Person, settle } from "./people.ts";

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(
  options: JsonPacketOptions = {},
): Promise<{ listener: Listener; server: JsonPacketServer }> {
  const accounts = memoryAccounts({ iterations: 1 });
  await accounts.register("ann", "secret");
  const hub = createHub({ accounts, report() {} });
  const server = jsonPacket(hub, options);
  const listener = await listenTcp(server, { port: 0 });
  closing.push(() => {
    listener.close();
    for (const session of [...hub.sessions()]) session.peer.close("over");
  });
  return { listener, server };
}

const connect = (
  { port }: Listener,
  options: Partial<JsonPacketClientOptions> = {},
): Promise<JsonPacketClient> =>
  connectJsonPacket({ url: `tcp://127.0.0.1:${port}`, timeoutMs: 5_000, ...options });

/** The first `count` packets that are iterated over, as action and data. */
async function take(client: JsonPacketClient, count: number): Promise<unknown[]> {
  const packets: JsonPacketEvent[] = [];
  for await (const packet of client) if (packets.push(packet) === count) break;
  return packets.map(({ action, data }) => [action, data]);
}

/** A client on a memory link, and the other end of it, which plays the server. */
function stage(options: Partial<JsonPacketClientOptions> = {}): { client: JsonPacketClient; there: Person } {
  const [here, away] = memoryLinks();
  return { client: new JsonPacketClient(here, options), there: new Person(away) };
}
const says = (action: string, data: unknown): string => JSON.stringify({ action, data });

describe("a client", () => {
  test("shakes hands, asks, and is answered", async () => {
    const { listener, server } = await listen({ actions: { add: (data) => (data as number[]).length } });
    const client = await connect(listener);
    expect([...server.clients.keys()]).toEqual([client.token]);
    expect(await client.request("add", [1, 2])).toBe(2);
    expect(await Promise.all([client.request("add", []), client.request("PING", "x")])).toEqual([0, "x"]);
    expect(await client.ping()).toBeGreaterThan(0);
    expect(await client.isAlive()).toBe(true);
    client.close("done");
    await expect.poll(() => server.clients.size).toBe(0);
  });

  test("[JSON-3.4] logs in, or is refused with the server's code", async () => {
    const { listener, server } = await listen();
    const client = await connect(listener, { username: "ann", password: "secret" });
    expect([...server.clients.values()].map(({ session }) => session.account?.name)).toEqual(["ann"]);
    await expect(connect(listener, { username: "ann", password: "wrong" })).rejects.toMatchObject({
      name: "JsonPacketRefusal",
      code: "wrong_user_or_password",
    });
    await expect(connect(listener, { username: "ann" })).rejects.toThrow(TypeError);
    client.close();
    await expect.poll(() => server.clients.size).toBe(0);
  });

  test("has a request refused by the error that answers it", async () => {
    const { listener } = await listen({
      actions: {
        fails: () => {
          throw new Error("inner");
        },
      },
    });
    const client = await connect(listener);
    await expect(client.request("fails")).rejects.toMatchObject({ code: "unhandled" });
    await expect(client.request("nothing")).rejects.toMatchObject({ code: "unknown_action" });
    client.send("nothing");
    expect(await take(client, 1)).toEqual([
      ["error", { code: "unknown_action", message: 'no handler is bound to the action "nothing"' }],
    ]);
    expect(await client.isAlive()).toBe(true);
  });

  test("iterates over what has no handler, and hands on what has one", async () => {
    const { listener, server } = await listen();
    const client = await connect(listener);
    const seen: unknown[] = [];
    client.bindAction("note", (data, own, packet) => {
      seen.push([data, own === client, packet.action]);
    });
    for (const [name, data] of [
      ["note", 1],
      ["news", 2],
      ["note", 3],
      ["news", 4],
    ] as const) {
      server.broadcast(server.createPacket(name, data));
    }
    expect(await take(client, 2)).toEqual([
      ["news", 2],
      ["news", 4],
    ]);
    expect(seen).toEqual([
      [1, true, "note"],
      [3, true, "note"],
    ]);
  });

  test("answers the server as its handlers return", async () => {
    const heard: unknown[] = [];
    const { listener, server } = await listen({
      actions: {
        double: (data) => void heard.push(data),
        raw: (_data, _c, packet) => void heard.push(packet.dataBytes),
      },
    });
    const client = await connect(listener);
    client.bindAction("double", async (data) => Number(data) * 2);
    client.bindAction("raw", (_data, _client, packet) => packet);
    server.broadcast(server.createPacket("double", 21));
    await expect.poll(() => heard).toEqual([42]);
    server.broadcast(server.createPacket("raw", [1]));
    await expect.poll(() => heard).toEqual([42, encodeText("[1]")]);
  });

  test("may ask the server from within a handler", async () => {
    const { listener, server } = await listen({ actions: { add: (data) => Number(data) + 1 } });
    const client = await connect(listener);
    const answer = new Promise((resolve) => {
      client.bindAction("ask", async (data) => resolve(await client.request("add", data)));
    });
    server.broadcast(server.createPacket("ask", 1));
    expect(await answer).toBe(2);
  });

  test("[JSON-6.5] is told why the server closes, and then nothing more", async () => {
    const { listener, server } = await listen({ actions: { never: () => new Promise(() => {}) } });
    const client = await connect(listener);
    for (const connection of server.clients.values()) connection.close("enough");
    const packets: unknown[] = [];
    for await (const { action, data } of client) packets.push([action, data]);
    expect(packets).toEqual([["disconnect", "enough"]]);
    await expect(client.ping()).rejects.toThrow("the connection is closed");
  });

  test("has its requests refused when the connection is gone", async () => {
    const { client, there } = stage();
    const waiting = client.request("work");
    await settle();
    there.link.destroy();
    await expect(waiting).rejects.toThrow("the connection is closed");
  });
});

describe("a client of a server that speaks first", () => {
  const greeting = says("handShake", { status: "success", uuid: "a-token", remoteToken: "theirs" });

  test("takes the handshake that it did not ask for", async () => {
    const { client, there } = stage();
    const shaken = client.handShake();
    there.say(greeting);
    await shaken;
    expect(client.token).toBe("a-token");
    client.send("move", { x: 1.5 });
    await settle();
    expect(there.packets()).toEqual([
      { action: "handShake", data: {}, "packet-created": expect.any(Number), token: null },
      { action: "move", data: { x: 1.5 }, "packet-created": expect.any(Number), token: "a-token" },
    ]);
  });

  test("takes it before it shakes hands itself, and the last token where there are two", async () => {
    const { client, there } = stage();
    there.say(greeting);
    await settle();
    await client.handShake();
    expect(client.token).toBe("a-token");
    there.say(greeting.replace("a-token", "b-token"));
    await settle();
    expect(client.token).toBe("b-token");
  });

  test("knows whether its login was right, though the server is silent about it", async () => {
    const { client, there } = stage();
    const shaken = client.handShake({ username: "ann", password: "wrong" });
    there.say(greeting);
    await there.until(2);
    expect(there.packets().map(({ action }) => action)).toEqual(["handShake", "PING"]);
    there.say(says("error", { code: "wrong_user_or_password", message: "no" }) + says("PONG", null));
    await expect(shaken).rejects.toMatchObject({ code: "wrong_user_or_password", message: "no" });
  });

  test("reads packets as Python writes them, one behind the other", async () => {
    const { client, there } = stage();
    there.say(
      '{"action": "a", "data": {"é": 1.0}, "packet-created": 1546300800.123, "token": "theirs"}'.repeat(2),
    );
    expect(await take(client, 2)).toEqual([
      ["a", { é: 1 }],
      ["a", { é: 1 }],
    ]);
  });
});

describe("a client and what it need not bear", () => {
  test("[JSON-5.1] a PING is answered PONG with its data, even with none", async () => {
    const { there } = stage();
    there.say(`${says("PING", [1])}{"action":"PING"}`);
    await there.until(2);
    expect(there.take()).toEqual([
      ["PONG", [1]],
      ["PONG", null],
    ]);
  });

  test("a handler that fails is reported, and others go on", async () => {
    const reports: string[] = [];
    const { client, there } = stage({ report: (problem, error) => reports.push(`${problem}: ${error}`) });
    client.bindAction("bad", () => {
      throw new Error("oh");
    });
    client.bindAction("big", () => 1n);
    client.bindAction("good", () => 1);
    there.say(says("bad", 0) + says("big", 0) + says("good", 0));
    await there.until(1);
    expect(there.take()).toEqual([["good", 1]]);
    expect(reports).toEqual([
      'the handler of "bad" failed: Error: oh',
      expect.stringContaining('the handler of "big" failed: TypeError'),
    ]);
  });

  test("what cannot be sent, or bound, is told to the caller", () => {
    const { client } = stage();
    expect(() => client.send("x", 1n)).toThrow(TypeError);
    expect(() => client.createPacket("x", () => 1)).toThrow(TypeError);
    expect(() => client.bindAction("error", () => 1)).toThrow(TypeError);
    expect(() => client.bindAction("handShake", () => 1)).toThrow(TypeError);
  });

  test.each(["nonsense", '{"a":1,"a":1}', `{"a":"${"x".repeat(1_048_576)}"}`])(
    "a server that breaks the wire ends the connection",
    async (text) => {
      const { client, there } = stage();
      const waiting = expect(client.request("x")).rejects.toMatchObject({ name: "ProtocolError" });
      there.say(text);
      await waiting;
      await settle();
      expect(there.closed).toBe(true);
    },
  );

  test("a server that outruns its handlers, or its iteration, is cut", async () => {
    const handled = stage();
    handled.client.bindAction("work", () => new Promise(() => {}));
    handled.there.say(says("work", 0).repeat(1_001));
    const iterated = stage();
    const iterator = iterated.client[Symbol.asyncIterator]();
    iterated.there.say(says("news", 0).repeat(10_001));
    await settle();
    expect([handled.there.closed, iterated.there.closed]).toEqual([true, true]);
    expect((await iterator.next()).value.action).toBe("news");
  });

  test("an answer that does not come", async () => {
    const { client } = stage({ timeoutMs: 1 });
    await expect(client.request("work")).rejects.toThrow("no answer to work within 1 ms");
  });

  test("an error without form", async () => {
    const { client, there } = stage();
    const waiting = client.request("x");
    there.say(says("error", null));
    await expect(waiting).rejects.toMatchObject({ code: "unknown", message: "the server refused" });
  });
});

test("a client that cannot connect rejects with the reason", async () => {
  const { listener } = await listen();
  const { port } = listener;
  listener.close();
  await expect(connectJsonPacket({ url: `tcp://127.0.0.1:${port}` })).rejects.toMatchObject({
    code: "ECONNREFUSED",
  });
});
