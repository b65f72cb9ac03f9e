import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { type RunningServer, startServer } from "../src/server.ts";
import { ANY_PORTS, temporaryDirectory } from "./processes.ts";
import { Client, frame } from "./sockets.ts";

const MEMORY = "accounts=sqlite::memory:";

async function start(...settings: string[]): Promise<RunningServer> {
  const free = ANY_PORTS.filter((arg) => arg !== "--set");
  const { config } = loadConfig({ env: {}, settings: [...free, ...settings] });
  const server = await startServer(config);
  onTestFinished(() => server.close());
  return server;
}

function portOf({ ports }: RunningServer, name: keyof RunningServer["ports"]): number {
  return ports[name]?.tcp ?? 0;
}

async function register(server: RunningServer, name: string, password: string): Promise<Client> {
  const client = new Client(portOf(server, "comma-command"));
  client.send(frame(`register,${name},${password}`));
  expect(await client.receive(/^.{5}./s)).toBe("\0\0\0\u0002\0ok");
  return client;
}

async function colonLogin(server: RunningServer, password: string): Promise<string> {
  const client = new Client(portOf(server, "colon-relay"));
  client.send(`0:ann:${password}\n`);
  return client.receive(/\n/);
}

function handshake(data: object): string {
  return JSON.stringify({ action: "handShake", data, "packet-created": 1, token: null });
}

describe("one account store under all protocols", () => {
  it("takes an account of one protocol in the others", async () => {
    const server = await start(MEMORY, "protocols.colon-relay.auth=accounts");
    const comma = await register(server, "ann", "pw");
    expect(await colonLogin(server, "pw")).toMatch(/^0:\d+\n$/);
    expect(await colonLogin(server, "no")).toMatch(/^9:wrong_password:/);

    const json = new Client(portOf(server, "json-packet"));
    json.send(handshake({ username: "ann", password: "no" }));
    expect(await json.receive(/\n/)).toContain("wrong_user_or_password");
    json.send(handshake({ username: "ann", password: "pw" }));
    expect(await json.receive(/\n/)).toContain('"status":"success"');

    // A user over two protocols is one user.
    comma.send(frame("login,ann,pw"));
    expect(await comma.receive(/ok/)).toContain("ok");
    comma.send(frame("send,ann,hi"));
    expect(await comma.receive(/ok$/)).toContain("send,ann,hi");
    expect(await json.receive(/\n/)).toContain('"hi"');
    expect([...server.hub.sessionsOf("ann")].map(({ protocol }) => protocol).sort()).toEqual([
      "colon-relay",
      "comma-command",
      "json-packet",
    ]);
  });

  it("lets two users register, log in and send to each other, with their accounts in a file", async () => {
    const server = await start(`accounts=sqlite:${join(temporaryDirectory(), "users.db")}`);
    const [ann, bob] = [await register(server, "ann", "one"), await register(server, "bob", "two")];
    ann.send(frame("req,1,login,ann,one"));
    expect(await ann.receive(/ok$/)).toBe("\0\0\0\u0008\0req,1,ok");
    bob.send(frame("login,bob,one"));
    expect(await bob.receive(/wrong$/)).toContain("error,nonfatal,wrong_user_or_password,");
    bob.send(frame("login,bob,two"));
    expect(await bob.receive(/ok$/)).toBe("\0\0\0\u0002\0ok");
    ann.send(frame("req,2,send,bob,text,hi\\, bob"));
    expect(await ann.receive(/ok$/)).toBe("\0\0\0\u0008\0req,2,ok");
    expect(await bob.receive(/bob$/)).toBe("\0\0\0\u0016\0send,ann,text,hi\\, bob");
    bob.send(frame("send,ann,text,hello"));
    expect(await bob.receive(/ok$/)).toBe("\0\0\0\u0002\0ok");
    expect(await ann.receive(/hello$/)).toBe("\0\0\0\u0013\0send,bob,text,hello");
  });

  it("keeps accounts over a restart", async () => {
    const settings = [
      `accounts=sqlite:${join(temporaryDirectory(), "users.db")}`,
      "protocols.colon-relay.auth=accounts",
    ];
    const first = await start(...settings);
    await register(first, "ann", "pw");
    await first.close();
    const second = await start(...settings);
    expect(await colonLogin(second, "pw")).toMatch(/^0:\d+\n$/);
  });
});

describe("startServer", () => {
  it("holds connections to the limits of the configuration", async () => {
    const server = await start(MEMORY, "limits.connectionsPerIp=1", "limits.preLoginFrameBytes=20");
    const first = new Client(portOf(server, "colon-relay"));
    first.send(`0:${"a".repeat(30)}`);
    expect(await first.receive(/\n/)).toContain("9:too_long:");
    await first.ended;
    const second = new Client(portOf(server, "colon-relay"));
    second.send("0:ann:pw\n");
    await second.receive(/\n/);
    await new Client(portOf(server, "comma-command")).ended;
  });

  it("listens on a host that is given by name", async () => {
    const server = await start(MEMORY, "host=localhost");
    expect(server.ports["colon-relay"]?.udp).toBeGreaterThan(0);
  });

  it("leaves nothing open where a port cannot be had", async () => {
    const other = await start(MEMORY);
    const free = await start(MEMORY);
    const port = portOf(free, "colon-relay");
    await free.close();
    const settings = [MEMORY, `protocols.colon-relay.port=${port}`];
    const taken = portOf(other, "json-packet");
    await expect(start(...settings, `protocols.json-packet.port=${taken}`)).rejects.toThrow(
      `protocols.json-packet.port: port ${taken} of 127.0.0.1 is in use`,
    );
    expect(portOf(await start(...settings), "colon-relay")).toBe(port);
  });
});

describe("close", () => {
  const loggedIn = async (server: RunningServer): Promise<Client> => {
    const client = new Client(portOf(server, "colon-relay"));
    client.send("0:ann:pw\n");
    await client.receive(/\n/);
    return client;
  };

  it("closes a few sessions at once, however long drainMs is", async () => {
    const server = await start(MEMORY, "drainMs=60000");
    const clients = await Promise.all([loggedIn(server), loggedIn(server), loggedIn(server)]);
    const started = performance.now();
    await server.close();
    await Promise.all(clients.map(({ ended }) => ended));
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it("spreads the closing of many over drainMs, and serves those whose turn is later", async () => {
    const server = await start(MEMORY, "drainMs=600", "limits.connectionRatePerIp=1000");
    const clients = await Promise.all(Array.from({ length: 100 }, () => loggedIn(server)));
    const closedAt: number[] = [];
    for (const { ended } of clients) void ended.then(() => closedAt.push(performance.now()));
    const started = performance.now();
    const closing = server.close();
    const last = clients.at(-1) as Client;
    last.send("1\n");
    expect(await last.receive(/\n/)).toBe("1:\n");
    await closing;
    await Promise.all(clients.map(({ ended }) => ended));
    expect(closedAt.at(-1)).toBeGreaterThan(started + 500);
    const early = closedAt.filter((at) => at - started < 300).length;
    expect(early).toBeGreaterThan(20);
    expect(early).toBeLessThan(80);
  });

  it("answers the request first that it has taken", async () => {
    const server = await start(MEMORY);
    const registering = vi.spyOn(server.hub.accounts, "register");
    const client = new Client(portOf(server, "comma-command"));
    client.send(frame("register,ann,pw"));
    await vi.waitFor(() => expect(registering).toHaveBeenCalled(), 10_000);
    await server.close();
    expect(await client.receive(/ok/)).toBe("\0\0\0\u0002\0ok");
  });

  it("does not wait long for a client that stays", async () => {
    const server = await start(MEMORY);
    const stays = await loggedIn(server);
    stays.socket.allowHalfOpen = true;
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(8_000);
  });
});
