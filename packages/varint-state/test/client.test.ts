import { createServer, type Server, type Socket } from "node:net";
import { fromHex } from "@wireyard/framing/testing";
import { createHub, type Hub, memoryAccounts } from "@wireyard/session";
import { type Link, type Listener, listenTcp, memoryLinks } from "@wireyard/transport";
import { afterEach, describe, expect, it } from "vitest";
import { connectVarintState, fetchStatus, VarintClient, type VarintEvent } from "../src/client.ts";
import { ERRORS, encodeServerMessage, type Status } from "../src/index.ts";
import { type VarintState, varintState } from "../src/server.ts";
import { echo, hex, makeServer, quiet, RawClient } from "./harness.ts";
import { PING, REQUEST } from "./vectors.ts";

const STATUS: Status = {
  version: { name: "Wireyard", protocol: -1 },
  players: { max: 10_000, online: 1, sample: [] },
  clients: { max: 10_000, online: 1 },
  description: { text: "A Wireyard server" },
};
const HANDSHAKE = hex("10 00 ffffffff0f 06", "703a3a3131 78", "04d2 01");

/** A client, and the server's end of its link as bytes. */
function makePair(options: { timeoutMs?: number } = {}): {
  client: VarintClient;
  server: RawClient;
  link: Link;
} {
  const [here, there] = memoryLinks();
  const client = new VarintClient(here, { address: "p::11x", port: 1_234, ...options });
  return { client, server: new RawClient(there), link: here };
}

const response = (json: string): string =>
  Buffer.from(encodeServerMessage({ type: "response", json })).toString("hex");

describe("a client", () => {
  it("shakes hands when it has to, and only then [VARINT-2.1] [VARINT-4.1]", async () => {
    const { client, server } = makePair();
    const status = client.status();
    expect(await server.take()).toBe(HANDSHAKE + hex(REQUEST));
    const again = client.status();
    expect(await server.take()).toBe(hex(REQUEST));
    const ping = client.ping(258n);
    expect(await server.take()).toBe(hex(PING));
    await server.send(response(JSON.stringify(STATUS)).repeat(2) + PING);
    expect(await status).toEqual(STATUS);
    expect(await again).toEqual(STATUS);
    expect(await ping).toBeGreaterThanOrEqual(0);
    void client.ping(258n).catch(() => {});
    expect(await server.take()).toBe(HANDSHAKE + hex(PING));
    client.close();
  });

  it("gives each ping its own answer, in one go", async () => {
    const server = makeServer();
    const [here, there] = memoryLinks();
    server.service.accept(there);
    const client = new VarintClient(here);
    const [status, ...pings] = await Promise.all([
      client.status(),
      client.ping(1n),
      client.ping(2n),
      client.ping(2n),
      client.status(),
    ]);
    expect(status).toEqual(STATUS);
    expect(pings.slice(0, 3).every((ms) => (ms as number) >= 0)).toBe(true);
    client.close();
  });

  it("answers the server's Pings in state 0, and tells of them [VARINT-2.3] [VARINT-3.2]", async () => {
    const { client, server } = makePair();
    expect(await server.send(echo(5n) + REQUEST + echo(-6n))).toBe(echo(5n) + echo(-6n));
    const seen: VarintEvent[] = [];
    for await (const event of client) if (seen.push(event) === 2) break;
    expect(seen).toEqual([
      { type: "ping", payload: 5n },
      { type: "ping", payload: -6n },
    ]);
    client.close();
  });

  it("does not answer a Ping that crossed its handshake [VARINT-3.6]", async () => {
    const { client, server } = makePair();
    const ping = client.ping(258n);
    await server.take();
    expect(await server.send(echo(5n))).toBe("");
    await server.send(PING);
    expect(await ping).toBeGreaterThanOrEqual(0);
    client.close();
  });

  it("ignores packets it does not know, and Responses it did not ask for", async () => {
    const { client, server } = makePair();
    expect(await server.send(`03 40 0102 ${response(JSON.stringify(STATUS))} ${echo(5n)}`)).toBe(echo(5n));
    client.close();
  });

  it("ends its iteration and its requests when the server closes", async () => {
    const { client, server } = makePair();
    const status = client.status();
    server.close();
    await expect(status).rejects.toThrow("the connection is closed (ended)");
    for await (const _ of client) throw new Error("there is no ping");
    await expect(client.ping()).rejects.toThrow("the connection is closed (ended)");
  });

  it("gives up on an answer after its time limit", async () => {
    const { client, server } = makePair({ timeoutMs: 1 });
    await expect(client.status()).rejects.toThrow("no answer to status within 1 ms");
    await expect(client.ping(7n)).rejects.toThrow("no answer to ping 7 within 1 ms");
    expect(server.closed).toBe(false);
    client.close();
  });

  it.each([
    ["bad_status", response("{}")],
    ["empty_packet", "00"],
    ["bad_length", "fbffffff0f"],
    ["too_long", "818008"],
  ] as const)("closes at what breaks the wire: %s [VARINT-1.8]", async (code, bytes) => {
    const { client, server } = makePair();
    const status = client.status();
    const failed = expect(status).rejects.toMatchObject({ name: "ProtocolError", code });
    await server.send(bytes);
    await failed;
    expect(code in ERRORS).toBe(true);
    expect(server.closed).toBe(true);
  });

  it("closes when Pings come in faster than its reader takes them", async () => {
    const { client, server } = makePair();
    const pings = client[Symbol.asyncIterator]();
    await server.send(echo(1n).repeat(10_001));
    await quiet();
    expect(server.closed).toBe(true);
    expect(await pings.next()).toEqual({ value: { type: "ping", payload: 1n }, done: false });
  });

  it.each([
    ["a status", (client: VarintClient) => client.status(), hex(REQUEST)],
    ["a ping", (client: VarintClient) => client.ping(7n), echo(7n)],
  ])("stops %s, and is back in state 0 where it answers Pings [VARINT-4.1]", async (_, ask, asked) => {
    const { client, server } = makePair();
    const asking = ask(client);
    const failed = expect(asking).rejects.toThrow("stopped");
    expect(await server.take()).toBe(HANDSHAKE + asked);
    client.stop();
    await failed;
    const missing = await server.take();
    expect(missing).toMatch(asked === hex(REQUEST) ? /^0901.{16}$/ : /^0100$/);
    // Answers to what was given up are nobody's; a Ping of the server's is answered.
    const late = missing === "0100" ? echo(7n) : missing;
    expect(await server.send(late + response(JSON.stringify(STATUS)) + echo(5n))).toBe(echo(5n));
    client.stop();
    expect(await server.take()).toBe("");
    client.close();
  });

  it("refuses a payload that is no Long, and has said nothing", async () => {
    const { client, server } = makePair();
    await expect(client.ping(2n ** 63n)).rejects.toThrow(RangeError);
    expect(await server.take()).toBe("");
    client.close();
  });
});

describe("over TCP", () => {
  const closers: (() => void)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  async function serve(): Promise<{ url: string; hub: Hub; service: VarintState }> {
    const hub = createHub({ accounts: memoryAccounts() });
    const service = varintState(hub);
    const listener: Listener = await listenTcp(service, { port: 0 });
    closers.push(() => listener.close());
    return { url: `tcp://127.0.0.1:${listener.port}`, hub, service };
  }

  /** A server that does nothing but what `talk` does with each connection. */
  async function fake(talk: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket.on("error", () => {}));
      talk(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return `tcp://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  it("a client reads the status, pings, is pinged, and closes", async () => {
    const { url, service } = await serve();
    const client = await connectVarintState({ url });
    expect(await client.status()).toEqual(STATUS);
    expect(await client.ping()).toBeGreaterThan(0);
    service.pingAll(42n);
    for await (const event of client) {
      expect(event).toEqual({ type: "ping", payload: 42n });
      break;
    }
    client.close();
  });

  it("fetchStatus gives the status and the round trip, and leaves nothing open", async () => {
    const { url, hub } = await serve();
    const { status, latencyMs } = await fetchStatus({ url });
    expect(status).toEqual(STATUS);
    expect(latencyMs).toBeGreaterThan(0);
    expect(latencyMs).toBeLessThan(10_000);
    // The next one sees itself alone: the first has gone.
    while (hub.sessionCount > 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await fetchStatus({ url })).status.players.online).toBe(1);
  });

  it("fetchStatus names in its handshake what it was asked for [VARINT-2.1]", async () => {
    let heard: ((bytes: Uint8Array) => void) | undefined;
    const bytes = new Promise<Uint8Array>((resolve) => {
      heard = resolve;
    });
    const url = await fake((socket) => socket.once("data", (chunk) => heard?.(chunk)));
    const { port } = new URL(url);
    const failed = expect(fetchStatus({ url: `tcp://localhost:${port}`, timeoutMs: 500 })).rejects.toThrow(
      `tcp://localhost:${port} did not give its status and a Pong within 500 ms`,
    );
    const portHex = Number(port).toString(16).padStart(4, "0");
    expect(Buffer.from(await bytes).toString("hex")).toBe(
      hex("13 00 ffffffff0f 09 6c6f63616c686f7374", portHex, "01", REQUEST),
    );
    await failed;
  });

  it("fetchStatus fails when the server closes before it has answered both", async () => {
    const url = await fake((socket) => {
      socket.once("data", () => socket.end(fromHex(response(JSON.stringify(STATUS)))));
    });
    await expect(fetchStatus({ url })).rejects.toThrow("the connection is closed");
  });

  it("fetchStatus ends with the reason of its signal, before it connects and after", async () => {
    const stopped = new Error("not wanted any more");
    await expect(fetchStatus({ url: "tcp://127.0.0.1:1", signal: AbortSignal.abort(stopped) })).rejects.toBe(
      stopped,
    );
    const stop = new AbortController();
    let gone: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const url = await fake((socket) => {
      socket.on("close", () => gone?.());
      socket.once("data", () => stop.abort(stopped));
    });
    await expect(fetchStatus({ url, signal: stop.signal })).rejects.toBe(stopped);
    await closed;
  });

  it("fetchStatus fails where nothing listens", async () => {
    const { url } = await serve();
    closers.pop()?.();
    await expect(fetchStatus({ url })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
