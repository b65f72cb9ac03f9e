import { UsageError } from "@wireyard/session";
import { describe, expect, it } from "vitest";
import { echo, hex, makeServer } from "./harness.ts";
import { HANDSHAKE, PING, REQUEST } from "./vectors.ts";

/** The payloads of Pings, from their hex. */
const payloads = (pings: string): string[] => (pings.match(/.{20}/g) ?? []).map((ping) => ping.slice(4));

describe("pingAll", () => {
  it("pings every client in state 0, and none in state 1 [VARINT-3.2] [VARINT-6.1]", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const clients = [server.connect(), server.connect(), server.connect(), server.connect()];
    const [first, inStatus, requested, again] = clients as [(typeof clients)[0], ...typeof clients];
    await server.pass(500);
    await inStatus?.send(HANDSHAKE);
    await requested?.send(HANDSHAKE + REQUEST);
    await again?.send(HANDSHAKE + REQUEST + PING);
    expect(server.service.pingAll(-2n)).toBe(2);
    expect(await first.take()).toBe(echo(-2n));
    expect(await inStatus?.take()).toBe("");
    expect(await requested?.take()).toBe("");
    expect(await again?.take()).toBe(echo(-2n));
  });

  it("sends milliseconds since the epoch unless it is given a payload [VARINT-6.1]", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    await server.pass(500);
    const before = Date.now();
    server.service.pingAll();
    const [payload = ""] = payloads(await client.take());
    expect(Number(`0x${payload}`)).toBeGreaterThanOrEqual(before);
    expect(Number(`0x${payload}`)).toBeLessThanOrEqual(Date.now());
  });

  it("refuses a payload that is no Long", () => {
    const { service } = makeServer();
    expect(() => service.pingAll(2n ** 63n)).toThrow(
      new UsageError("9223372036854775808 is no payload of a Ping; one is -2^63 to 2^63-1"),
    );
  });

  it("measures the round trip when the Pong comes back [VARINT-6.3]", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    await server.pass(500);
    const latency = (): unknown => [...server.service.sessions()][0]?.latencyMs;
    server.service.pingAll(1n);
    server.service.pingAll(2n);
    await server.pass(40);
    expect(latency()).toBeUndefined();
    await client.send(echo(3n));
    expect(latency()).toBeUndefined();
    await client.send(echo(2n));
    expect(latency()).toBe(40);
    // The older Ping can get no answer any more, and one Ping gets one.
    await server.pass(40);
    await client.send(echo(1n) + echo(2n));
    expect(latency()).toBe(40);
  });

  it("smooths the round trips, each new one by an eighth [VARINT-6.3]", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    await server.pass(500);
    const measured: unknown[] = [];
    for (const ms of [80, 0, 40]) {
      server.service.pingAll(1n);
      await server.pass(ms);
      await client.send(echo(1n));
      const [session] = server.service.sessions();
      measured.push([session?.latencyMs, session?.smoothedLatencyMs]);
    }
    expect(measured).toEqual([
      [80, 80],
      [0, 70],
      [40, 66.25],
    ]);
  });

  it("remembers only so many Pings without a Pong [VARINT-6.3]", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    await server.pass(500);
    for (let payload = 0n; payload < 17n; payload++) server.service.pingAll(payload);
    const latency = (): unknown => [...server.service.sessions()][0]?.latencyMs;
    await client.send(echo(0n));
    expect(latency()).toBeUndefined();
    await client.send(echo(1n));
    expect(latency()).toBe(0);
  });
});

describe("the first 500 ms", () => {
  it("bring nothing unasked to a client that has not shaken hands; then comes what was held [VARINT-6.2]", async () => {
    const server = makeServer({ keepAliveMs: 100 });
    const client = server.connect();
    expect(server.service.pingAll(7n)).toBe(1);
    await server.pass(450);
    expect(server.service.pingAll(8n)).toBe(1);
    expect(await client.take()).toBe("");
    await server.pass(50);
    const pings = payloads(await client.take());
    expect(pings.slice(0, 2)).toEqual(["0000000000000007", "0000000000000008"]);
    // A held Ping is measured from when it left.
    await client.send(echo(8n));
    expect([...server.service.sessions()][0]?.latencyMs).toBe(0);
  });

  it("do not count for a client that is back in state 0 after a handshake [VARINT-6.2]", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    await client.send(HANDSHAKE + REQUEST + PING);
    server.service.pingAll(9n);
    expect(await client.take()).toBe(echo(9n));
  });

  it("forget what was held for a client that went to state 1 [VARINT-6.2]", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    server.service.pingAll(7n);
    expect(await client.send(HANDSHAKE)).toBe("");
    await server.pass(1_000);
    expect(await client.send(PING)).toBe(hex(PING));
  });

  it("know no Pong, as there was no Ping", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    server.service.pingAll(7n);
    expect(await client.send(echo(7n))).toBe("");
    expect([...server.service.sessions()][0]?.latencyMs).toBeUndefined();
    await server.pass(500);
    expect(await client.take()).toBe(echo(7n));
  });
});

describe("a keep-alive", () => {
  it("comes every keepAliveMs, and goes on while it is answered [VARINT-6.4]", async () => {
    const server = makeServer({ keepAliveMs: 20_000 });
    const client = server.connect();
    for (let round = 0; round < 12; round++) {
      await server.pass(19_900);
      expect(await client.take()).toBe("");
      await server.pass(100);
      const pings = await client.take();
      expect(payloads(pings)).toHaveLength(1);
      await client.send(pings);
    }
    expect(client.closed).toBe(false);
    expect([...server.service.sessions()][0]?.latencyMs).toBe(0);
  });

  it("cuts a client that has not answered five in a row, when the sixth would be due [VARINT-6.4]", async () => {
    const server = makeServer({ keepAliveMs: 20_000 });
    const client = server.connect();
    await server.pass(119_950);
    expect(payloads(await client.take())).toHaveLength(5);
    expect(client.closed).toBe(false);
    await server.pass(50);
    expect(await client.take()).toBe("");
    expect(client.closed).toBe(true);
    expect(server.hub.sessionCount).toBe(0);
  });

  it("counts from the last answer, and takes no other payload for one [VARINT-6.4]", async () => {
    const server = makeServer({ keepAliveMs: 1_000 });
    const [late, wrong] = [server.connect(), server.connect()];
    await server.pass(5_500);
    const pings = await late.take();
    expect(payloads(pings)).toHaveLength(5);
    await late.send(pings.slice(-20));
    await wrong.send(echo(1n));
    await server.pass(4_500);
    expect(late.closed).toBe(false);
    expect(wrong.closed).toBe(true);
    await server.pass(1_000);
    expect(late.closed).toBe(true);
  });

  it("is not sent in state 1, and does not cut there [VARINT-6.4]", async () => {
    const server = makeServer({ keepAliveMs: 1_000 });
    const client = server.connect();
    await client.send(HANDSHAKE + PING);
    await server.pass(60_000);
    expect(await client.take()).toBe("");
    expect(await client.send(PING)).toBe(hex(PING));
  });

  it("is off with keepAliveMs 0 [VARINT-6.4]", async () => {
    const server = makeServer({ keepAliveMs: 0 });
    const client = server.connect();
    await server.pass(600_000);
    expect(await client.take()).toBe("");
    expect(client.closed).toBe(false);
  });
});
