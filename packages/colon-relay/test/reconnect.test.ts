import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createHub, type Hub, memoryAccounts } from "@wireyard/session";
import { type Listener, listenTcp, listenUdp } from "@wireyard/transport";
import { acceptWebSockets } from "@wireyard/transport/websocket";
import { afterEach, describe, expect, test } from "vitest";
import {
  type ColonClient,
  type ColonClientOptions,
  type ColonEvent,
  connectColonRelay,
} from "../src/client.ts";
import { type ColonRelayOptions, colonRelay } from "../src/server.ts";

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

interface Served {
  hub: Hub;
  port: number;
  /** Ends as a killed process does: every connection is cut, and nobody listens. */
  kill(): Promise<void>;
}

async function serveTcp(port = 0, options: ColonRelayOptions = {}): Promise<Served> {
  const accounts = memoryAccounts({ iterations: 1 });
  await accounts.register("ann", "secret");
  const hub = createHub({ accounts });
  const relay = colonRelay(hub, options);
  const listener: Listener = await listenTcp(relay, { port });
  const datagrams = await listenUdp(relay.datagrams, { port: listener.port });
  const kill = async (): Promise<void> => {
    listener.close();
    datagrams.close();
    await listener.gone(0);
  };
  return { hub, port: listener.port, kill };
}

async function serveWebSocket(port = 0): Promise<Served> {
  const hub = createHub({ accounts: memoryAccounts() });
  const server = createServer();
  const sockets = await acceptWebSockets(server, {
    mounts: { "/relay": colonRelay(hub) },
    allows: () => true,
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const kill = async (): Promise<void> => {
    server.close();
    sockets.close();
    await sockets.gone(0);
    server.closeAllConnections();
  };
  return { hub, port: (server.address() as AddressInfo).port, kill };
}

async function connect(url: string, options: Partial<ColonClientOptions> = {}): Promise<ColonClient> {
  const client = await connectColonRelay({ url, reconnect: true, ...options });
  closing.push(() => client.close());
  return client;
}

/** The events up to one of this type. */
async function until(events: AsyncIterator<ColonEvent>, type: ColonEvent["type"]): Promise<ColonEvent[]> {
  const seen: ColonEvent[] = [];
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error(`ended before ${type}`);
    seen.push(value);
    if (value.type === type) return seen;
  }
}

describe.each([
  ["TCP", serveTcp, (port: number) => `tcp://127.0.0.1:${port}`],
  ["WebSocket", serveWebSocket, (port: number) => `ws://127.0.0.1:${port}/relay`],
])("five clients over %s, whose server is killed and started again while they talk", (_, serve, urlOf) => {
  test("are all back in their room within 5 s, each of them once", async () => {
    const killed = await serve();
    const clients: ColonClient[] = [];
    for (const name of ["ann", "bob", "cat", "dan", "eve"]) {
      const client = await connect(urlOf(killed.port));
      await client.login(name);
      await client.join("lobby", "secret");
      client.send(`hello from ${name}`);
      clients.push(client);
    }
    const events = clients.map((client) => client[Symbol.asyncIterator]());
    await killed.kill();
    await Promise.all(events.map((one) => until(one, "lost")));
    for (const client of clients) client.send(`meanwhile from ${client.id}`);
    const startedAt = performance.now();
    const again = await serve(killed.port);
    closing.push(() => void again.kill());
    await Promise.all(events.map((one) => until(one, "back")));
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(again.hub.sessionCount).toBe(5);
    expect(await clients[0]?.rooms("secret")).toEqual([{ name: "lobby", members: 5 }]);
    expect(await clients[0]?.rooms()).toEqual([]);
    expect(new Set(clients.map(({ id }) => id)).size).toBe(5);
    for (const client of clients) client.send(`again from ${client.id}`, { to: "all" });
    for (const one of events) {
      const heard: string[] = [];
      while (heard.length < 5) {
        const last = (await until(one, "message")).at(-1) as Extract<ColonEvent, { type: "message" }>;
        if (last.text.startsWith("again")) heard.push(last.text);
      }
      expect(heard.sort()).toEqual(clients.map(({ id }) => `again from ${id}`).sort());
    }
  });
});

describe("a client that is back", () => {
  test("has its login, its groups and its datagrams", async () => {
    const served = await serveTcp(0, { auth: "accounts", udp: { cookie: true, requireCookie: true } });
    closing.push(() => void served.kill());
    const url = `tcp://127.0.0.1:${served.port}`;
    const ann = await connect(url, { udp: true });
    const other = await connect(url, { reconnect: false });
    const [annEvents, otherEvents] = [ann[Symbol.asyncIterator](), other[Symbol.asyncIterator]()];
    const before = await ann.login("ann", "secret");
    await other.login("ann", "secret");
    await until(annEvents, "udp");
    ann.defineGroup("both", [before, other.id as number]);
    ann.defineGroup("gone", [before]);
    ann.defineGroup("gone", []);
    await ann.join("lobby");
    for (const session of served.hub.sessions()) if (session.id === before) session.peer.close("cut");
    expect(await until(annEvents, "lost")).toContainEqual({
      type: "lost",
      reason: "the connection is closed (ended)",
    });
    const restored = await until(annEvents, "back");
    expect(restored).toContainEqual({ type: "joined", id: ann.id, room: "lobby" });
    expect(ann.id).not.toBe(before);
    await expect.poll(() => ann.udpState).toBe("bound");
    ann.sendToGroup("both", "hello");
    ann.sendToGroup("gone", "nobody");
    const message = { type: "message", from: ann.id, text: "hello", channel: "stream" };
    expect((await until(annEvents, "message")).at(-1)).toEqual(message);
    expect((await until(otherEvents, "message")).at(-1)).toEqual(message);
  });

  test("is in the room it was in last, or in none", async () => {
    const served = await serveTcp();
    closing.push(() => void served.kill());
    const client = await connect(`tcp://127.0.0.1:${served.port}`);
    const events = client[Symbol.asyncIterator]();
    const cut = async (): Promise<void> => {
      for (const session of [...served.hub.sessions()]) session.peer.close("cut");
      await until(events, "lost");
    };
    await client.login("ann");
    await client.join("lobby");
    await client.join("den");
    await cut();
    // What is asked while it is away comes behind the restoring.
    const joined = client.join("den");
    await until(events, "back");
    await joined;
    expect(client.room).toBe("den");
    await client.leave();
    await cut();
    await until(events, "back");
    expect([client.room, await client.rooms()]).toEqual([undefined, []]);
  });

  test("ends with the server's word where its password is not the right one any more", async () => {
    const served = await serveTcp(0, { auth: "accounts" });
    const client = await connect(`tcp://127.0.0.1:${served.port}`);
    const events = client[Symbol.asyncIterator]();
    await client.login("ann", "secret");
    await served.kill();
    await until(events, "lost");
    const other = createHub({ accounts: memoryAccounts({ iterations: 1 }) });
    const listener = await listenTcp(colonRelay(other, { auth: "accounts" }), { port: served.port });
    closing.push(() => listener.close());
    await expect(events.next()).rejects.toMatchObject({ name: "ColonRefusal", code: "wrong_password" });
    await expect(client.rooms()).rejects.toMatchObject({ code: "wrong_password" });
  });
});
