import { join } from "node:path";
import { fetchStatus } from "@wireyard/varint-state/client";
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

  it("find it by its sentinels", async () => {
    const sentinel = await Engine.startSentinel(engine);
    onTestFinished(() => sentinel.stop());
    shared[1] = `backplane=redis+sentinel://127.0.0.1:1,127.0.0.1:${sentinel.port}/main`;
    await expectOneRoom(await start(), await start());

    shared[1] = `backplane=redis+sentinel://u:hunter2@127.0.0.1:${sentinel.port}/other`;
    const failure = await start().catch((error: Error) => error.message);
    expect(failure).toBe(
      `backplane: the group other of 127.0.0.1:${sentinel.port} cannot be used; is Redis or Valkey 7 or later running there?`,
    );
  });

  it("find it by a server of its cluster", async () => {
    const server = await Engine.start(undefined, ["--cluster-enabled", "yes"]);
    onTestFinished(() => server.stop());
    await server.ask("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await until(async () => (await server.ask("CLUSTER", "INFO")).includes("cluster_state:ok"));
    shared[1] = `backplane=redis+cluster://127.0.0.1:1,127.0.0.1:${server.port}`;
    await expectOneRoom(await start(), await start());
  });

  it("[VARINT-5.3] [COLON-4.6] tell the sessions of all in each status, and a sender of doubt, and count at /metrics", async () => {
    const [one, two] = [await startWebServer(shared), await start()];
    const [ann, bob] = [relayClient(one), relayClient(two)];
    ann.send("0:ann:\n2:lobby\n");
    await ann.receive(/4:\d+\n$/);
    bob.send("0:bob:\n2:lobby\n");
    await ann.receive(/^2:\d+:lobby\n$/);
    const status = async (): Promise<string> => {
      const url = `tcp://127.0.0.1:${portOf(one, "varint-state")}`;
      const { max, online, sample } = (await fetchStatus({ url })).status.players;
      return `${online} of ${max}: ${sample.map(({ name }) => name).join(" ")}`;
    };
    await until(async () => (await status()) === "3 of 20000: ann bob");
    const metric = async (name: string): Promise<string | undefined> => {
      const headers = { authorization: `Bearer ${one.token}` };
      const { body } = await one.ask("/metrics", { headers });
      return new RegExp(`^${name} (\\d+)$`, "m").exec(body)?.[1];
    };
    expect([await metric("wireyard_nodes"), await metric("wireyard_backplane_in_doubt_total")]).toEqual([
      "2",
      "0",
    ]);

    engine.signal("SIGSTOP");
    ann.send("3:3:hello\n");
    expect(await ann.receive(/\n$/)).toBe(
      "9:rate_limited:an ordered message may not have reached everybody\n",
    );
    expect(await status()).toBe("2 of 10000: ann");
    engine.signal("SIGCONT");
    await until(async () => (await one.ask("/readyz")).status === 200);
    await until(async () => (await status()) === "3 of 20000: ann bob");
    expect(await metric("wireyard_backplane_in_doubt_total")).toBe("1");
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

async function expectOneRoom(one: RunningServer, two: RunningServer): Promise<void> {
  const [ann, bob] = [relayClient(one), relayClient(two)];
  ann.send("0:ann:\n2:lobby\n");
  await ann.receive(/4:\d+\n$/);
  bob.send("0:bob:\n2:lobby\n3:2:hello\n");
  await ann.receive(/3:\d+:hello\n$/);
}

function relayClient(server: RunningServer): Client {
  return new Client(portOf(server, "colon-relay"));
}

function portOf({ ports }: RunningServer, name: keyof RunningServer["ports"]): number {
  return ports[name]?.tcp ?? 0;
}
