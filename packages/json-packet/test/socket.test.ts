import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { encodeText } from "@wireyard/framing";
import { eachSplit } from "@wireyard/framing/testing";
import { createHub, type Hub, memoryAccounts } from "@wireyard/session";
import { type Listener, listenTcp } from "@wireyard/transport";
import { afterEach, expect, test } from "vitest";
import { type JsonPacketServer, jsonPacket } from "../src/server.ts";

const listeners: Listener[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
});

async function serve(): Promise<{ hub: Hub; server: JsonPacketServer; port: number }> {
  const hub = createHub({ accounts: memoryAccounts(), limits: { connectionRatePerIp: 10_000 }, report() {} });
  const server = jsonPacket(hub, {
    actions: {
      back: (_data, _connection, packet) => packet,
      soon: async (data) => data,
      fails: () => {
        throw new Error("inner");
      },
    },
  });
  const listener = await listenTcp(server, { port: 0 });
  listeners.push(listener);
  return { hub, server, port: listener.port };
}

/** What a server says, token by token and text by text, without what differs from run to run. */
const plain = (text: string): string =>
  text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "UUID")
    .replace(/"packet-created":[\d.]+/g, '"packet-created":TIME');

async function open(port: number): Promise<{ socket: Socket; received: () => string }> {
  const socket = createConnection({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  let text = "";
  socket.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  await once(socket, "connect");
  return { socket, received: () => text };
}

/** Resolves with the token of a handshake's answer, when there is one. */
async function tokenOf({ socket, received }: Awaited<ReturnType<typeof open>>): Promise<string> {
  for (;;) {
    const uuid = /"uuid":"([^"]+)".*\n/.exec(received())?.[1];
    if (uuid !== undefined) return uuid;
    await once(socket, "data");
  }
}

const packet = (action: string, data: string, token: string): string =>
  `{"action": "${action}", "data": ${data}, "packet-created": 1546300800.5, "token": "${token}"}`;

/** What one session says behind its handshake: every way to be answered. */
const transcript = (token: string): string =>
  [
    '{"action":"handShake"}',
    packet("PING", '{"é": 1.0}', token),
    packet("back", '[1.0,"}{"]', token),
    packet("soon", "[1.0]", token),
    packet("PING", "1", token.replace(/.$/, "x")),
    packet("fails", "0", token),
    packet("dance", "0", token),
    ' {"action":"PING"}\n\t',
    packet("isAlive", "true", token),
    packet("PING", '{"a":1,"a":2}', token),
    packet("PING", "2", token),
  ].join("");

const ANSWERS = [
  '{"action":"handShake","data":{"status":"success","uuid":"UUID","remoteToken":"UUID"}REST',
  '{"action":"PONG","data":{"é": 1.0}REST',
  '{"action":"back","data":[1.0,"}{"]REST',
  '{"action":"soon","data":[1]REST',
  '{"action":"error","data":{"code":"bad_token","message":"the token is not the one that the handshake gave to this connection"}REST',
  '{"action":"error","data":{"code":"unhandled","message":"the handler of the action failed"}REST',
  '{"action":"error","data":{"code":"unknown_action","message":"no handler is bound to the action \\"dance\\""}REST',
  '{"action":"error","data":{"code":"missing_field","message":"data: a packet has data, any JSON, null too"}REST',
  '{"action":"isAlive","data":trueREST',
  '{"action":"error","data":{"code":"bad_json","message":"the name at byte 34 of a packet stands twice in its object"}REST',
].map((line) => line.replace("REST", ',"packet-created":TIME,"token":"UUID"}'));

/** Says the transcript behind a handshake, cut as `cut` says, and gives all that came back. */
async function talk(port: number, cut: (bytes: Uint8Array) => Iterable<Uint8Array>): Promise<string> {
  const connection = await open(port);
  const { socket, received } = connection;
  socket.write('{"action":"handShake"}');
  const said = transcript(await tokenOf(connection));
  for (const chunk of cut(encodeText(said))) {
    if (socket.destroyed) break;
    await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
  }
  socket.end();
  await once(socket, "close");
  return plain(received());
}

/** Cuts at places that a seed decides. */
function* randomCuts(bytes: Uint8Array, seed: number): Generator<Uint8Array> {
  let state = seed;
  for (let at = 0; at < bytes.length; ) {
    state = (state * 48_271) % 2_147_483_647;
    const end = at + 1 + (state % 60);
    yield bytes.slice(at, end);
    at = end;
  }
}

test("[JSON-1.2] one transcript over a socket gives the same bytes however it is cut", async () => {
  const { hub, port } = await serve();
  const splits = [...eachSplit(encodeText(transcript("3f2b8a2e-9f3e-4b9a-8b60-1f6a2d7b6c11")))];
  const lengths = splits.slice(2).map(({ chunks }) => chunks[0]?.length ?? 0);
  const cuts: ((bytes: Uint8Array) => Iterable<Uint8Array>)[] = [
    (bytes) => [bytes],
    (bytes) => Array.from(bytes, (_, i) => bytes.slice(i, i + 1)),
    // Each third place, for time; the connection's own tests try each.
    ...lengths
      .filter((length) => length % 3 === 0)
      .map((length) => (bytes: Uint8Array) => [bytes.slice(0, length), bytes.slice(length)]),
    ...Array.from({ length: 20 }, (_, i) => (bytes: Uint8Array) => randomCuts(bytes, i + 1)),
  ];
  const answers = new Set<string>();
  for (const cut of cuts) answers.add(await talk(port, cut));
  expect([...answers].map((answer) => answer.split("\n"))).toEqual([[...ANSWERS, ""]]);
  await expect.poll(() => hub.sessionCount).toBe(0);
});

test("[JSON-3.3] a client like the original's, which waits for the server to speak, is served", async () => {
  const { port } = await serve();
  const connection = await open(port);
  const { socket, received } = connection;
  const token = await tokenOf(connection);
  // Bare JSON, one packet right behind the other, as its sendall leaves them.
  socket.write(packet("back", '{"example": "this is a message"}', token) + packet("PING", "null", token));
  socket.write(packet("disconnect", '"quit"', token));
  await once(socket, "end");
  expect(plain(received()).split("\n")).toEqual([
    ANSWERS[0],
    '{"action":"back","data":{"example": "this is a message"},"packet-created":TIME,"token":"UUID"}',
    '{"action":"PONG","data":null,"packet-created":TIME,"token":"UUID"}',
    "",
  ]);
  socket.end();
});

test("[JSON-3.1] a client like the original's, which speaks first, is served", async () => {
  const { port } = await serve();
  const connection = await open(port);
  const { socket, received } = connection;
  socket.write('{"action": "handShake", "data": {}, "packet-created": 1546300800.123456, "token": null}');
  const token = await tokenOf(connection);
  socket.end(packet("PING", "[1]", token));
  await once(socket, "end");
  expect(plain(received()).split("\n").slice(1)).toEqual([
    '{"action":"PONG","data":[1],"packet-created":TIME,"token":"UUID"}',
    "",
  ]);
});

test("[JSON-1.12] a quick answer waits for the slow one before it", async () => {
  const { server, port } = await serve();
  let finish = (): void => {};
  const begun = new Promise<void>((told) => {
    server.bindAction("slow", () => {
      told();
      return new Promise<string>((done) => {
        finish = () => done("done");
      });
    });
  });
  const ann = await open(port);
  ann.socket.write('{"action":"handShake"}');
  const token = await tokenOf(ann);
  ann.socket.write(packet("slow", "1", token) + packet("PING", "2", token));
  await begun;
  finish();
  await expect.poll(() => plain(ann.received()).split("\n").length).toBe(4);
  const answers = ann.received().trimEnd().split("\n").slice(1);
  expect(answers.map((answer) => JSON.parse(answer).action)).toEqual(["slow", "PONG"]);
  ann.socket.destroy();
});

test("[JSON-1.10] a reader that does not read is cut, and nobody else waits", async () => {
  const { hub, server, port } = await serve();
  const [stuck, bob] = [await open(port), await open(port)];
  for (const { socket } of [stuck, bob]) socket.write('{"action":"handShake"}');
  await tokenOf(stuck);
  const token = await tokenOf(bob);
  stuck.socket.pause();
  const big = server.createPacket("big", "x".repeat(60_000));
  // The kernel takes some megabytes before anything waits in the server.
  while (hub.sessionCount === 2) {
    const [first] = server.clients.values();
    for (let i = 0; i < 16; i++) first?.sendPacket(big);
    bob.socket.write(packet("PING", "1", token));
    await once(bob.socket, "data");
  }
  expect([...server.clients.keys()]).toEqual([token]);
  stuck.socket.destroy();
  bob.socket.end();
  await once(bob.socket, "close");
});
