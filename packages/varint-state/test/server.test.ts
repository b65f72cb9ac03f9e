import { toHex } from "@wireyard/framing/testing";
import { createHub, memoryAccounts, UsageError } from "@wireyard/session";
import { describe, expect, it } from "vitest";
import { ERRORS, encodeServerMessage } from "../src/index.ts";
import { PROTOCOL, VARINT_STATE_DEFAULTS, varintState } from "../src/server.ts";
import { echo, type Harness, hex, makeServer } from "./harness.ts";
import { clientVectors, HANDSHAKE, LOGIN, PING, REQUEST } from "./vectors.ts";

/** The Response of a server with default options and this many sessions, in hex. */
function response(online: number, max = 10_000): string {
  const json = `{"version":{"name":"Wireyard","protocol":-1},"players":{"max":${max},"online":${online},"sample":[]},"clients":{"max":${max},"online":${online}},"description":{"text":"A Wireyard server"}}`;
  return toHex(encodeServerMessage({ type: "response", json }));
}

describe("a status", () => {
  it("is answered to a handshake, a request and a ping in one segment [VARINT-3.3] [VARINT-3.4]", async () => {
    const client = makeServer().connect();
    expect(await client.send(HANDSHAKE + REQUEST + PING)).toBe(response(1) + hex(PING));
    expect(client.closed).toBe(false);
  });

  it("is the same for one byte a segment", async () => {
    const client = makeServer().connect();
    let answer = "";
    for (const byte of hex(HANDSHAKE, REQUEST, PING).match(/../g) ?? []) answer += await client.send(byte);
    expect(answer).toBe(response(1) + hex(PING));
  });

  it("comes without a ping, as often as it is asked for", async () => {
    const client = makeServer().connect();
    expect(await client.send(HANDSHAKE + REQUEST)).toBe(response(1));
    expect(await client.send(REQUEST + REQUEST)).toBe(response(1) + response(1));
  });

  it("tells the open sessions of all protocols and the most there may be [VARINT-5.3]", async () => {
    const server = makeServer({}, { maxConnections: 3 });
    const peer = { deliver() {}, expired() {}, close() {} };
    const other = server.hub.open({ protocol: "other", remoteAddress: "192.0.2.1", peer });
    const client = server.connect();
    expect(await client.send(HANDSHAKE + REQUEST)).toBe(response(2, 3));
    server.hub.close(other);
    expect(await client.send(REQUEST)).toBe(response(1, 3));
  });

  it("holds the options, in ASCII, and no client's address [VARINT-5.2] [VARINT-5.3]", async () => {
    const server = makeServer({ version: { name: "Tëst", protocol: 47 }, description: "Grüße" });
    server.connect();
    const answer = await server.connect().send(HANDSHAKE + REQUEST);
    const text = Buffer.from(answer, "hex").toString("latin1");
    expect(text).toContain(
      '{"version":{"name":"T\\u00ebst","protocol":47},"players":{"max":10000,"online":2',
    );
    expect(text).toContain('"description":{"text":"Gr\\u00fc\\u00dfe"}');
    expect(text).not.toContain("127.0.0.1");
  });
});

describe("a ping in state 1", () => {
  it("is answered every time, without any request [VARINT-3.4] [VARINT-4.1]", async () => {
    const client = makeServer().connect();
    expect(await client.send(HANDSHAKE)).toBe("");
    expect(await client.send(PING.repeat(50))).toBe(hex(PING).repeat(50));
  });

  it("comes back byte for byte, whatever its payload", async () => {
    const client = makeServer().connect();
    await client.send(HANDSHAKE);
    for (const payload of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(await client.send(echo(payload))).toBe(echo(payload));
    }
  });

  it("after a request leads back to state 0, where a ping is a pong and a handshake is taken", async () => {
    const server = makeServer();
    const client = server.connect();
    expect(await client.send(HANDSHAKE + PING + REQUEST)).toBe(hex(PING) + response(1));
    expect([...server.service.sessions()].map(({ state }) => state)).toEqual(["default"]);
    expect(await client.send(PING)).toBe("");
    expect(await client.send(HANDSHAKE + PING)).toBe(hex(PING));
    expect([...server.service.sessions()].map(({ state }) => state)).toEqual(["status_pinged"]);
  });
});

describe("a login", () => {
  // "This server …" as a text component, in its packet. [VARINT-3.7]
  const disconnect = toHex(
    encodeServerMessage({
      type: "login_disconnect",
      json: '{"text":"This server is for lists and pings: there is no game to join here."}',
    }),
  );

  it("is told in words why it cannot be, and closed [VARINT-2.2] [VARINT-3.7]", async () => {
    const server = makeServer();
    const player = server.connect();
    expect(await player.send(LOGIN)).toBe(disconnect);
    expect(player.closed).toBe(true);
    expect(server.hub.sessionCount).toBe(0);
    await server.pass(60_000);
    expect(server.problems).toEqual([]);
  });

  it("is the same whatever follows the handshake", async () => {
    const server = makeServer();
    const hasty = server.connect();
    expect(await hasty.send(`${LOGIN} 05 00 03 616e6e ${REQUEST} ${PING} 00`)).toBe(disconnect);
    expect(hasty.closed).toBe(true);
    expect(server.problems).toEqual([]);
  });
});

describe("an unknown packet", () => {
  it("gets no answer and changes nothing, in either state [VARINT-1.10]", async () => {
    const server = makeServer();
    const client = server.connect();
    expect(await client.send(`01 02 05 0b 01020304 ${HANDSHAKE} 03 7f 0000 ${PING}`)).toBe(hex(PING));
    expect(client.closed).toBe(false);
    expect(server.problems).toEqual([]);
  });
});

describe("a broken wire", () => {
  const broken = clientVectors.filter(
    ({ events }) => "error" in ((events.at(-1) as object | undefined) ?? {}),
  );

  it.each(broken)("closes without a byte of its own: $name [VARINT-1.8]", async ({ hex: bytes, text }) => {
    const server = makeServer();
    const client = server.connect();
    const sent = bytes ?? Buffer.from(text ?? "").toString("hex");
    // What is whole before the break is answered.
    const answered = sent.includes(PING) && sent.indexOf(PING) > 0 ? hex(PING) : "";
    expect(await client.send(sent)).toBe(answered);
    expect(client.closed).toBe(true);
    expect(server.hub.sessionCount).toBe(0);
    expect(server.problems).toEqual([]);
  });

  it("is shown for every error that a client can cause", () => {
    const shown = new Set(broken.map(({ events }) => (events.at(-1) as { error: string }).error));
    expect([...shown].sort()).toEqual(
      Object.keys(ERRORS)
        .filter((code) => code !== "bad_status")
        .sort(),
    );
  });

  it("of one client does not touch another [VARINT-1.8]", async () => {
    const server = makeServer();
    const good = server.connect();
    expect(await good.send(`${HANDSHAKE} ${PING} 09 01 00000000`)).toBe(hex(PING));
    for (const { hex: bytes, text } of broken) {
      const bad = server.connect();
      await bad.send(bytes ?? Buffer.from(text ?? "").toString("hex"));
      expect(bad.closed).toBe(true);
    }
    expect(await good.send(`00000007 ${REQUEST}`)).toBe(echo(7n) + response(1));
    expect(good.closed).toBe(false);
  });
});

describe("time", () => {
  it("for a packet runs from its first byte to its last, however it drips [VARINT-1.9]", async () => {
    const server = makeServer({}, { frameTimeoutMs: 10_000 });
    const client = server.connect();
    await server.pass(60_000);
    await client.take();
    // A packet of 64 bytes, one every 500 ms.
    await client.send("40");
    for (let sent = 0; sent < 19; sent++) {
      await server.pass(500);
      await client.send("01");
      expect(client.closed).toBe(false);
    }
    await server.pass(500);
    expect(client.closed).toBe(true);
  });

  it("starts anew with each packet [VARINT-1.9]", async () => {
    const server = makeServer({ keepAliveMs: 0 }, { frameTimeoutMs: 10_000 });
    const client = server.connect();
    await client.send("09 01 00");
    await server.pass(9_000);
    await client.send("00000000000000 09 01");
    await server.pass(9_000);
    expect(client.closed).toBe(false);
    await server.pass(1_000);
    expect(client.closed).toBe(true);
  });

  it("of silence in state 1 is limited, in state 0 it is not without keep-alives [VARINT-6.5]", async () => {
    const server = makeServer({ keepAliveMs: 0 }, { idleTimeoutMs: 300_000 });
    const [silent, inStatus] = [server.connect(), server.connect()];
    await inStatus.send(HANDSHAKE + PING);
    await server.pass(299_900);
    await inStatus.send(PING);
    await server.pass(299_900);
    expect(inStatus.closed).toBe(false);
    await server.pass(200);
    expect(inStatus.closed).toBe(true);
    expect(silent.closed).toBe(false);
    expect(server.hub.sessionCount).toBe(1);
  });

  it("in state 1 is forgotten with the state [VARINT-6.5]", async () => {
    const server = makeServer({ keepAliveMs: 0 }, { idleTimeoutMs: 1_000 });
    const client = server.connect();
    await client.send(HANDSHAKE + PING + REQUEST);
    await server.pass(5_000);
    expect(client.closed).toBe(false);
  });
});

describe("the service", () => {
  it("closes a session without a byte when the hub asks it to", async () => {
    const server = makeServer();
    const client = server.connect();
    for (const session of server.hub.sessions()) {
      expect(session.protocol).toBe(PROTOCOL);
      session.peer.close("the server stops");
    }
    expect(await client.take()).toBe("");
    expect(client.closed).toBe(true);
    expect(server.hub.sessionCount).toBe(0);
  });

  it("refuses a link over the limits without a byte", async () => {
    const server = makeServer({}, { connectionsPerIp: 1 });
    const first = server.connect();
    const second = server.connect();
    expect(await second.take()).toBe("");
    expect(second.closed).toBe(true);
    expect(first.closed).toBe(false);
    expect(server.problems).toEqual([]);
  });

  it("closes all its sessions when it is asked to, and no others", async () => {
    const server = makeServer();
    const clients = [server.connect(), server.connect()];
    const other = varintState(server.hub);
    expect(other.closeAll()).toBe(0);
    expect(server.service.closeAll()).toBe(2);
    for (const client of clients) expect(await client.take()).toBe("");
    expect(clients.map(({ closed }) => closed)).toEqual([true, true]);
    expect(server.hub.sessionCount).toBe(0);
  });

  it("forgets a client that has gone", async () => {
    const server = makeServer();
    const client = server.connect();
    client.close();
    await client.take();
    expect([...server.service.sessions()]).toEqual([]);
    expect(server.hub.sessionCount).toBe(0);
    expect(server.service.pingAll()).toBe(0);
  });

  it("has the defaults it documents", () => {
    expect(VARINT_STATE_DEFAULTS).toEqual({
      version: { name: "Wireyard", protocol: -1 },
      description: "A Wireyard server",
      favicon: null,
      sample: 12,
      packetGapMs: 0,
      keepAliveMs: 20_000,
    });
  });

  it("refuses options that it could not serve, and says what would be right", () => {
    const hub = createHub({ accounts: memoryAccounts() });
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const message = `is ${ms}; it must be milliseconds, or 0 for none`;
      expect(() => varintState(hub, { keepAliveMs: ms })).toThrow(new UsageError(`keepAliveMs ${message}`));
      expect(() => varintState(hub, { packetGapMs: ms })).toThrow(new UsageError(`packetGapMs ${message}`));
    }
    for (const sample of [-1, 13, 1.5]) {
      expect(() => varintState(hub, { sample })).toThrow(
        new UsageError(`sample is ${sample}; it must be a number of user names, 0 to 12`),
      );
    }
    expect(() => varintState(hub, { description: "é".repeat(5_500), sample: 0 })).toThrow(
      /shorten version.name or description/,
    );
    expect(() => varintState(hub, { description: "é".repeat(5_400), sample: 0 })).not.toThrow();
    expect(() => varintState(hub, { description: "é".repeat(5_400) })).toThrow(/smaller favicon/);
  });
});

// What a harness of its own is for: two servers share nothing.
it("two services on one hub ping only their own clients", async () => {
  const server: Harness = makeServer({ keepAliveMs: 0 });
  const other = varintState(server.hub, { keepAliveMs: 0 });
  const client = server.connect();
  await server.pass(500);
  expect(other.pingAll(1n)).toBe(0);
  expect(server.service.pingAll(2n)).toBe(1);
  expect(await client.take()).toBe(echo(2n));
});
