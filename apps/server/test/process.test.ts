import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ANY_PORTS, serve, temporaryDirectory, wireyard } from "./processes.ts";
import { Client, exchange, frame, STATUS_REQUEST } from "./sockets.ts";

describe("wireyard serve", () => {
  it("prints one ready line when every port answers, and nothing else", async () => {
    const server = await serve([]);
    const { ready } = server;
    expect(Object.keys(ready)).toEqual([
      "pid",
      "colon-relay",
      "comma-command",
      "varint-state",
      "json-packet",
    ]);
    expect(ready.pid).toBe(server.child.pid);
    expect(Object.keys(ready["colon-relay"])).toEqual(["tcp", "udp"]);
    expect(Object.keys(ready["json-packet"])).toEqual(["tcp"]);

    const colon = new Client(ready["colon-relay"].tcp);
    colon.send("0:ann:pw\n");
    const [, id] = /^0:(\d+)\n/.exec(await colon.receive(/\n/)) ?? [];
    expect(await exchange(ready["colon-relay"].udp, `0:${id}`)).toBe(`0:${id}:connected`);

    const comma = new Client(ready["comma-command"].tcp);
    comma.send(frame("whoami"));
    expect(await comma.receive(/in/)).toContain("error,nonfatal,not_logged_in");

    const varint = new Client(ready["varint-state"].tcp);
    varint.send(STATUS_REQUEST);
    expect(await varint.receive(/\}\}$/)).toContain('"name":"Wireyard"');

    const json = new Client(ready["json-packet"].tcp);
    expect(await json.receive(/\n/)).toContain('"status":"success"');

    server.child.kill("SIGTERM");
    const { code, stdout } = await server.ended;
    expect(code).toBe(0);
    expect(stdout.split("\n")).toHaveLength(1);
  });

  it("logs JSON lines to standard error, from its start to its end", async () => {
    const server = await serve(["--set", "web.port=0"]);
    server.child.kill("SIGINT");
    const { code, stderr } = await server.ended;
    expect(code).toBe(0);
    const logged = stderr.split("\n").map((line) => JSON.parse(line));
    for (const entry of logged)
      expect(entry).toMatchObject({ level: expect.any(String), time: expect.any(String) });
    expect(logged.map(({ msg }) => msg)).toEqual([
      "accounts are open",
      ...Array(4).fill("listening"),
      "the web port is listening",
      "the key for encrypted links is ready",
      "stopping: sessions are being closed",
      "stopped",
    ]);
  });

  it("leaves out what has no port", async () => {
    const { ready } = await serve([
      ...["--set", "protocols.colon-relay.udpPort=null"],
      ...["--set", "protocols.json-packet.port=null"],
    ]);
    expect(Object.keys(ready)).toEqual(["pid", "colon-relay", "comma-command", "varint-state"]);
    expect(ready["colon-relay"]).toEqual({ tcp: expect.any(Number) });
  });

  it("warns where anybody who can reach it may take any name", async () => {
    const server = await serve(["--set", "host=0.0.0.0"]);
    expect(await server.logged("passwords are not looked at")).toMatchObject({
      level: "warn",
      key: "protocols.colon-relay.auth",
    });
  });

  it("makes its accounts file where the configuration says", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "a.yaml");
    writeFileSync(file, "accounts: sqlite:users.db\nlog: { level: debug }\n");
    const server = await serve(["--config", file]);
    expect(await server.logged("accounts are open")).toMatchObject({
      accounts: `sqlite:${join(directory, "users.db")}`,
    });
  });
});

describe("an error that nobody caught", () => {
  it("is logged, and ends the server with 1", async () => {
    const onSignal = "process.on('SIGUSR2', () => { throw new Error('boom'); })";
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(onSignal)}` };
    const server = await serve([], { env });
    server.child.kill("SIGUSR2");
    expect((await server.ended).code).toBe(1);
    expect(await server.logged("an error that nobody caught")).toMatchObject({
      level: "fatal",
      err: { message: "boom", stack: expect.any(String) },
    });
  });
});

describe("what keeps it from starting", () => {
  const failing = async (args: string[], env?: Record<string, string>): Promise<string> => {
    const started = performance.now();
    const { code, stdout, stderr } = await wireyard(["serve", ...args], env);
    // Under 2 s where nothing else is at work; other tests are.
    expect(performance.now() - started).toBeLessThan(6_000);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(1);
    return stderr;
  };

  it("is said in one line, whatever was ready by then", async () => {
    const stranger = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void stranger.close());
    await new Promise((resolve) => stranger.once("listening", resolve));
    const { port } = stranger.address() as { port: number };
    expect(await failing([...ANY_PORTS, "--set", `web.port=${port}`])).toContain(
      `web.port: port ${port} of 127.0.0.1`,
    );
  });

  it("is a port in use, by a stranger or by another server", async () => {
    const stranger = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void stranger.close());
    await new Promise((resolve) => stranger.once("listening", resolve));
    const { port } = stranger.address() as { port: number };
    const any = ["colon-relay", "varint-state"].flatMap((name) => ["--set", `protocols.${name}.port=0`]);
    const accounts = ["--set", "accounts=sqlite::memory:", "--set", "protocols.colon-relay.udpPort=0"];
    const key = "protocols.comma-command.port";
    expect(await failing([...any, ...accounts, "--set", `${key}=${port}`])).toBe(
      `wireyard: ${key}: port ${port} of 127.0.0.1 is in use; stop what has it, or take another (--set ${key}=0 takes a free one)`,
    );

    const { ready } = await serve([]);
    const { tcp, udp } = ready["colon-relay"];
    const colon = "protocols.colon-relay";
    expect(await failing(["--set", `${colon}.port=${tcp}`])).toContain(`${colon}.port: port ${tcp} of`);
    expect(await failing(["--set", `${colon}.port=0`, "--set", `${colon}.udpPort=${udp}`])).toContain(
      `${colon}.udpPort: port ${udp} of 127.0.0.1 is in use`,
    );
  });

  it("is a host that is none of ours", async () => {
    expect(await failing(["--set", "host=192.0.2.1"])).toContain(
      "host: 192.0.2.1 is no address of this machine",
    );
  });

  it("is an accounts file that cannot be opened", async () => {
    expect(await failing(["--set", "accounts=sqlite:no/such/users.db"])).toMatch(
      /^wireyard: accounts: cannot open/,
    );
  });

  it("is a configuration with a mistake, from each of its sources", async () => {
    expect(await failing(["--set", "web.prot=1"])).toContain("web.prot (from --set): no such key");
    expect(await failing(["--config", "none.yaml"])).toContain(
      "--config (from none.yaml): there is no such file",
    );
    expect(await failing([], { WIREYARD_HOTS: "x" })).toContain("WIREYARD_HOTS (from the environment)");
  });

  it("is that there is nothing to serve", async () => {
    const none = ["colon-relay", "comma-command", "varint-state", "json-packet"];
    const settings = none.flatMap((name) => ["--set", `protocols.${name}.port=null`]);
    expect(await failing(settings)).toContain("protocols: every port is null");
  });
});
