import { createHub } from "@wireyard/session";
import { type Listener, listenTcp } from "@wireyard/transport";
import { expect, onTestFinished, test } from "vitest";
import { connectJsonPacket, type JsonPacketClientOptions, type JsonPacketEvent } from "../src/client.ts";
import { createEncryptKeys, type EncryptKeys } from "../src/index.ts";
import { type JsonPacketServer, jsonPacket } from "../src/server.ts";
import { withAnn } from "./people.ts";

async function serve(keys: EncryptKeys, port = 0): Promise<{ listener: Listener; server: JsonPacketServer }> {
  const server = jsonPacket(createHub({ ...(await withAnn()) }), {
    encryptKeys: keys,
    actions: {
      double: (data) => Number(data) * 2,
      who: (_data, connection) => connection.session.account?.name ?? null,
    },
  });
  const listener = await listenTcp(server, { port });
  onTestFinished(() => listener.close());
  return { listener, server };
}

async function connect({ port }: Listener, options: Partial<JsonPacketClientOptions> = {}) {
  const client = await connectJsonPacket({ url: `tcp://127.0.0.1:${port}`, reconnect: true, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** Ends a server as a killed process does. */
async function kill(listener: Listener): Promise<void> {
  listener.close();
  await listener.gone(0);
}

async function next(events: AsyncIterator<JsonPacketEvent>): Promise<JsonPacketEvent> {
  return (await events.next()).value;
}

test("a client is back with its login, keys and a new token when its server is started again", async () => {
  const keys = await createEncryptKeys();
  const { listener } = await serve(keys);
  const options = { username: "ann", password: "secret", pin: keys.fingerprint };
  const client = await connect(listener, options);
  const events = client[Symbol.asyncIterator]();
  const before = client.token;
  await kill(listener);
  expect(await next(events)).toMatchObject({ type: "lost" });
  expect(client.connected).toBe(false);
  const waiting = client.request("double", 21);
  client.send("unknown");
  const { server } = await serve(keys, listener.port);
  expect(await next(events)).toEqual({ type: "back" });
  expect(await waiting).toBe(42);
  expect(await next(events)).toMatchObject({ action: "error", data: { code: "unknown_action" } });
  expect([client.connected, client.encrypted, await client.request("who")]).toEqual([true, true, "ann"]);
  expect(client.token).not.toBe(before);
  expect([...server.clients.keys()]).toEqual([client.token]);
});

test("a client that its server disconnects is told why, and comes back", async () => {
  const { listener, server } = await serve(await createEncryptKeys());
  const client = await connect(listener);
  const events = client[Symbol.asyncIterator]();
  for (const connection of server.clients.values()) connection.close("restart");
  expect(await next(events)).toMatchObject({ action: "disconnect", data: "restart" });
  expect(await next(events)).toMatchObject({ type: "lost" });
  expect(await next(events)).toEqual({ type: "back" });
  expect(await client.request("double", 2)).toBe(4);
  client.close("done");
  await expect.poll(() => server.clients.size).toBe(0);
  expect((await events.next()).done).toBe(true);
});

test("a client ends where the server that comes back has another key than the pinned one", async () => {
  const keys = await createEncryptKeys();
  const { listener } = await serve(keys);
  const client = await connect(listener, { pin: keys.fingerprint });
  const events = client[Symbol.asyncIterator]();
  await kill(listener);
  expect(await next(events)).toMatchObject({ type: "lost" });
  await serve(await createEncryptKeys(), listener.port);
  await expect(events.next()).rejects.toMatchObject({ name: "ProtocolError", code: "bad_encryption" });
});

test("a packet that waits is refused where it could not be sent, not when it would be", async () => {
  const { listener } = await serve(await createEncryptKeys());
  const client = await connect(listener, { reconnect: { maxQueuedMessages: 1 } });
  const events = client[Symbol.asyncIterator]();
  await kill(listener);
  await next(events);
  expect(() => client.send("x", 1n)).toThrow(TypeError);
  client.send("x", 1);
  expect(() => client.send("x", 2)).toThrow("no more than 1 messages");
});
