import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { Engine, NO_ENGINE, until } from "../../../packages/backplane-redis/test/engine.ts";
import { loadConfig } from "../src/config/load.ts";
import { type RunningServer, startServer } from "../src/server.ts";
import { ANY_PORTS, temporaryDirectory } from "./processes.ts";
import { Client, frame } from "./sockets.ts";
import { startWebServer } from "./web-server.ts";

describe.skipIf(NO_ENGINE)("several nodes on one back plane", () => {
  let engine: Engine;
  let shared: string[];
  beforeEach(async () => {
    engine = await Engine.start();
    const accounts = `accounts=sqlite:${join(temporaryDirectory(), "accounts.db")}`;
    shared = [accounts, `backplane=${engine.url}`, "node.leaseMs=600"];
  });
  afterEach(() => engine.stop());

  async function start(): Promise<RunningServer> {
    const free = ANY_PORTS.filter((arg) => arg !== "--set");
    const server = await startServer(loadConfig({ env: {}, settings: [...free, ...shared] }).config);
    onTestFinished(() => server.close());
    return server;
  }

  it("serve one hub: rooms, ordered messages, lists and commands cross them", async () => {
    const [one, two] = [await start(), await start()];
    const [ann, bob] = [relayClient(one), relayClient(two)];
    ann.send("0:ann:\n2:lobby\n");
    await ann.receive(/^0:(\d+)\n2:\1:lobby\n4:\1\n$/);
    bob.send("0:bob:\n2:lobby\n1\n");
    await bob.receive(/2:\d+:lobby\n2:\d+:lobby\n4:\d+\n1:lobby-2\n$/);
    await ann.receive(/^2:\d+:lobby\n$/);
    bob.send("3:2:one\n3:0:two\n3:3:three\n");
    expect(await ann.receive(/three\n$/)).toMatch(/^3:(\d+):one\n3:\1:two\n3:\1:three\n$/);
    expect(await bob.receive(/three\n$/)).toMatch(/^3:\d+:three\n$/);
    bob.socket.destroy();
    await ann.receive(/^2:\d+:\n$/);

    const [carl, dora] = [new Client(portOf(one, "comma-command")), new Client(portOf(two, "comma-command"))];
    carl.send(frame("register,carl,pw"));
    await carl.receive(/ok$/);
    dora.send(frame("register,dora,pw"));
    await dora.receive(/ok$/);
    dora.send(frame("login,dora,pw"));
    await dora.receive(/ok$/);
    carl.send(frame("login,carl,pw"));
    await carl.receive(/ok$/);
    carl.send(frame("send,dora,text,hi"));
    await carl.receive(/ok$/);
    expect(await dora.receive(/hi$/)).toContain("send,carl,text,hi");
  });

  it("[COLON-4.5] [COMMA-4.10] refuse what they cannot promise while the engine is away, and say so at /readyz", async () => {
    const one = await startWebServer(shared);
    const two = await start();
    const [ann, bob, dora] = [relayClient(one), relayClient(two), new Client(portOf(one, "comma-command"))];
    ann.send("0:ann:\n2:lobby\n");
    await ann.receive(/4:\d+\n$/);
    bob.send("0:bob:\n2:lobby\n");
    await ann.receive(/^2:\d+:lobby\n$/);
    dora.send(frame("register,dora,pw"));
    await dora.receive(/ok$/);
    dora.send(frame("login,dora,pw"));
    await dora.receive(/ok$/);
    expect((await one.ask("/readyz")).status).toBe(200);

    await engine.kill();
    await until(async () => (await one.ask("/readyz")).status === 503);
    for (const words of ["1", "2:den", "3:2:ordered"]) {
      ann.send(`${words}\n`);
      expect(await ann.receive(/\n$/)).toMatch(/^9:rate_limited:the other nodes cannot be reached now/);
    }
    ann.send("3:1:still here\n");
    expect(await ann.receive(/\n$/)).toMatch(/^3:\d+:still here\n$/);
    dora.send(frame("send,dora,text,hi"));
    expect(await dora.receive(/later$/)).toContain("error,nonfatal,unhandled,");

    await engine.run();
    await until(async () => (await one.ask("/readyz")).status === 200);
    ann.send("3:3:back\n1\n");
    await ann.receive(/3:\d+:back\n1:lobby-2\n$|1:lobby-2\n3:\d+:back\n$/);
  });

  it("do not start where there is no engine, and name it without its password", async () => {
    await engine.kill();
    shared[1] = `backplane=redis://u:secret@127.0.0.1:${engine.port}`;
    const failure = await start().catch((error: Error) => error.message);
    expect(failure).toBe(
      `backplane: 127.0.0.1:${engine.port} cannot be used; is Redis or Valkey 7 or later running there?`,
    );
  });
});

function relayClient(server: RunningServer): Client {
  return new Client(portOf(server, "colon-relay"));
}

function portOf({ ports }: RunningServer, name: keyof RunningServer["ports"]): number {
  return ports[name]?.tcp ?? 0;
}
