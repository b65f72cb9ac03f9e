import { once } from "node:events";
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket as WsClient } from "ws";
import type { WebSocketOptions } from "../src/websocket.ts";
import { WebSocketLink } from "../src/websocket-link.ts";
import { FrameReader } from "../src/websocket-reader.ts";
import { bytes, echo, frame, framesOf, nextLink, quiet, serviceOf, WebPort } from "./web-sockets.ts";

const ports: WebPort[] = [];

afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

async function open(service = echo, options: Partial<WebSocketOptions> = {}): Promise<WebPort> {
  const web = await WebPort.open(service, options);
  ports.push(web);
  return web;
}

describe.each([true, false])("a link over WebSocket, direct: %s", (direct) => {
  test("understands the client of ws, its offer of compression and long messages", async () => {
    const web = await open(echo, { direct });
    const client = new WsClient(`ws://127.0.0.1:${web.port}/ws/echo`);
    await once(client, "open");
    expect(client.extensions).toBe("");
    const sent = Buffer.alloc(500_000).map((_, i) => i % 251);
    const received: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      client.on("message", (data: Buffer) => {
        received.push(data);
        if (Buffer.concat(received).length === sent.length) resolve();
      });
    });
    client.send(sent);
    await all;
    for (const { length } of received) expect(length).toBeLessThanOrEqual(65_535);
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    client.close(4000, "done");
    expect((await once(client, "close"))[0]).toBe(4000);
  });

  test("says its last words, then a Close, and tells its owner", async () => {
    const { service, link, closed } = nextLink();
    const web = await open(service, { direct });
    const client = new WsClient(`ws://127.0.0.1:${web.port}/ws/echo`);
    const heard: string[] = [];
    client.on("message", (data) => heard.push(String(data)));
    const ended = once(client, "close");
    const accepted = await link;
    accepted.write(bytes("last "));
    accepted.write(bytes("words"));
    accepted.end();
    accepted.write(bytes("too late"));
    expect((await ended)[0]).toBe(1000);
    expect(heard).toEqual(["last words"]);
    expect(await closed).toBe("ended");
  });

  test("tells frames that break a rule as an error at once, before the peer has gone", async () => {
    const { service, closed } = nextLink();
    const web = await open(service, { direct });
    const { socket } = await web.request();
    socket.write(frame(2, "x", { masked: false }));
    expect(await closed).toBe("error");
    expect(socket.closed).toBe(false);
  });

  test("closes with words that say what would be right", async () => {
    const web = await open(echo, { direct });
    const [close] = await web.converse([frame(2, "x", { masked: false })]);
    expect(close?.payload.subarray(2).toString()).toBe("frames of a client are masked");
  });

  test("tells a peer that ends without a Close as ended, and one that resets as an error", async () => {
    for (const [go, reason] of [
      ["end", "ended"],
      ["resetAndDestroy", "error"],
    ] as const) {
      let told: (reason: string) => void = () => {};
      const closed = new Promise<string>((resolve) => {
        told = resolve;
      });
      const web = await open(
        serviceOf((link) => link.open({ ...quiet, ended: () => link.end(), closed: told })),
        { direct },
      );
      const { socket } = await web.request();
      socket[go]();
      socket.resume();
      expect(await closed).toBe(reason);
    }
  });

  test("cuts a reader whose queue passes the cap", async () => {
    const { service, link, closed } = nextLink();
    const web = await open(service, { direct, maxQueuedBytes: 100_000 });
    const { socket } = await web.request();
    socket.pause();
    const reader = await link;
    const more = setInterval(() => reader.write(new Uint8Array(1_000_000)));
    expect(await closed).toBe("slow_reader");
    clearInterval(more);
  });

  test("pings, and cuts a peer that leaves two unanswered", async () => {
    const { service, closed } = nextLink();
    const web = await open(service, { direct, pingIntervalMs: 32 });
    const { socket } = await web.request();
    const sent: Buffer[] = [];
    socket.on("data", (data: Buffer) => sent.push(data));
    expect(await closed).toBe("error");
    expect(framesOf(Buffer.concat(sent)).map(({ opcode }) => opcode)).toEqual([9, 9]);
  });

  test("lets a peer live that answers", async () => {
    const web = await open(echo, { direct, pingIntervalMs: 32 });
    const client = new WsClient(`ws://127.0.0.1:${web.port}/ws/echo`);
    for (let pings = 0; pings < 6; pings++) await once(client, "ping");
    client.send("alive");
    expect(String((await once(client, "message"))[0])).toBe("alive");
    client.terminate();
  });
});

/** A link over a socket that only takes down what is written. */
function recorded(): { link: WebSocketLink; writes: Uint8Array[] } {
  const writes: Uint8Array[] = [];
  const socket = new PassThrough();
  socket.write = (chunk: Uint8Array): boolean => writes.push(chunk) > 0;
  const owner = { left() {} };
  const options = { maxQueuedBytes: 1_000_000, direct: false, turn: 0, owner };
  const link = new WebSocketLink(socket as unknown as Socket, undefined, options);
  link.open(quiet);
  return { link, writes };
}

test("of very many Pings that come together some are answered, and the latest", async () => {
  const { link, writes } = recorded();
  const flood = Array.from({ length: 10_000 }, (_, i) => frame(9, `${i}`));
  link.data(Buffer.concat([...flood, frame(9, "latest")]));
  link.checkLife();
  link.write(bytes("behind"));
  await new Promise((resolve) => setImmediate(resolve));
  const sent = framesOf(Buffer.concat(writes)).map(({ opcode, payload }) => [opcode, String(payload)]);
  expect(sent).toEqual([
    ...Array.from({ length: 63 }, (_, i) => [10, `${i}`]),
    [10, "latest"],
    [9, ""],
    [2, "behind"],
  ]);
});

test("links that were given the same share the frame around it, whatever else there is", async () => {
  const [a, b, c] = [recorded(), recorded(), recorded()];
  const [one, two] = [bytes("one"), bytes("two")];
  for (const { link } of [a, b, c]) link.write(one);
  for (const { link } of [a, b]) link.write(two);
  c.link.copy(two, 0, 2);
  await new Promise((resolve) => setImmediate(resolve));
  expect(a.writes.map(String)).toEqual([String([0x82, 6, ...one, ...two])]);
  expect(b.writes[0]).toBe(a.writes[0]);
  expect(c.writes.map(String)).toEqual([String([0x82, 5, ...one, ...two.subarray(0, 2)])]);
});

test("a dribbled frame holds nothing of what it has read", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const sink = { payload() {}, ping() {}, closing() {}, broken() {} };
  const readers = Array.from({ length: 20 }, () => new FrameReader(sink));
  const before = held();
  // Text and binary, in a frame that declares 100,000 bytes, and in fragments of one byte.
  const long = frame(1, "", { declared: 100_000n });
  readers.forEach((reader, i) => {
    for (const byte of i % 2 === 0 ? long : frame(2, "x", { fin: false })) reader.read(Uint8Array.of(byte));
    const fragment = frame(0, "x", { fin: false });
    for (let n = 0; n < 20_000; n++) {
      if (i % 2 === 0) reader.read(Uint8Array.of(0x37));
      else for (const byte of fragment) reader.read(Uint8Array.of(byte));
    }
  });
  expect((held() - before) / readers.length).toBeLessThan(4_096);
});
