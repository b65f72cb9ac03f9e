import { describe, expect, it } from "vitest";
import { operator } from "../src/operator.ts";
import { echo, type Harness, makeServer } from "./harness.ts";
import { HANDSHAKE, PING, REQUEST } from "./vectors.ts";

interface Desk {
  readonly server: Harness;
  readonly stops: string[];
  /** Runs a line, and gives what is written. */
  type(line: string): Promise<string[]>;
}

function makeDesk(): Desk {
  const server = makeServer({ keepAliveMs: 0 });
  const stops: string[] = [];
  let written: string[] = [];
  const commands = operator(server.service, {
    write: (line) => written.push(line),
    stop: () => void stops.push(`stopped with ${server.hub.sessionCount} open`),
  });
  return {
    server,
    stops,
    async type(line) {
      written = [];
      await commands.run(line);
      return written;
    },
  };
}

const masked = (lines: readonly string[]): string[] => lines.map((line) => line.replace(/^\d{5,}/, "ID"));

describe("the operator's", () => {
  it("list all shows the sessions of every protocol and node", async () => {
    const { server, type } = makeDesk();
    server.connect();
    const peer = { deliver() {}, expired() {}, close() {} };
    const other = server.hub.open({ protocol: "other", remoteAddress: "192.0.2.9", peer });
    server.hub.enter(other, "bob");
    expect(masked(await type("list all"))).toEqual([
      "node 1, this one: 2",
      expect.stringMatching(/^ID {2}\S+ {2}varint-state$/),
      "ID  192.0.2.9  other  bob",
    ]);
  });

  it("list shows the sessions, and those of a state by its number or name", async () => {
    const { server, type } = makeDesk();
    const [idle, asked] = [server.connect(), server.connect()];
    await server.pass(500);
    await asked.send(HANDSHAKE + REQUEST);
    server.service.pingAll(7n);
    await server.pass(80);
    await idle.send(echo(7n));
    const first = "ID  127.0.0.1  state 0 (default)  80.0 ms, 80.0 ms smoothed";
    const second = "ID  127.0.0.1  state 1 (status_requested)";
    expect(masked(await type("list"))).toEqual([first, second, "2 sessions"]);
    expect(masked(await type(" list  0 "))).toEqual([first, "1 session"]);
    expect(masked(await type("list 1"))).toEqual([second, "1 session"]);
    expect(masked(await type("list status_requested"))).toEqual([second, "1 session"]);
    expect(await type("list status")).toEqual(["0 sessions"]);
    expect(await type("list 7")).toEqual([
      '"7" is no state; states are 0, 1, default, status, status_requested, status_pinged, login',
    ]);
  });

  it("list shows a hundred, and how many more there are", async () => {
    const { server, type } = makeDesk();
    for (let i = 0; i < 103; i++) server.connect();
    const lines = await type("list");
    expect(lines).toHaveLength(102);
    expect(lines.slice(-2)).toEqual(["and 3 more", "103 sessions"]);
  });

  it("ping pings every client in state 0, with the payload that is given [VARINT-6.1]", async () => {
    const { server, type } = makeDesk();
    const [idle, asked] = [server.connect(), server.connect()];
    await server.pass(500);
    await asked.send(HANDSHAKE + PING);
    expect(await type("ping -5")).toEqual(["1 client is pinged"]);
    expect(await idle.take()).toBe(echo(-5n));
    expect(await type("ping")).toEqual(["1 client is pinged"]);
    expect(await idle.take()).toMatch(/^0901.{16}$/);
    for (const payload of ["x", "9223372036854775808", "1.5", "007"]) {
      expect(await type(`ping ${payload}`)).toEqual([
        `"${payload}" is no payload; one is a whole number from -2^63 to 2^63-1`,
      ]);
    }
    expect(await idle.take()).toBe("");
  });

  it("stop first stops what listens, then closes the sessions", async () => {
    const { server, stops, type } = makeDesk();
    const client = server.connect();
    expect(await type("stop")).toEqual(["1 session is closed"]);
    expect(stops).toEqual(["stopped with 1 open"]);
    expect(await client.take()).toBe("");
    expect(client.closed).toBe(true);
    expect(await type("list")).toEqual(["0 sessions"]);
  });

  it("help names every command; what is none is told, and nothing is said to nothing", async () => {
    const { type } = makeDesk();
    expect((await type("help")).map((line) => line.split(" ")[0])).toEqual([
      "list",
      "list",
      "ping",
      "stop",
      "help",
    ]);
    expect(await type("Stop")).toEqual(['"Stop" is no command; help lists them']);
    expect(await type("__proto__")).toEqual(['"__proto__" is no command; help lists them']);
    expect(await type("list 0 1")).toEqual(["list takes one word at the most"]);
    expect(await type("  ")).toEqual([]);
  });
});
