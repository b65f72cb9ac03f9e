import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { listenForSignals } from "../src/signals.ts";
import { serve, temporaryDirectory } from "./processes.ts";
import { Client, frame, STATUS_REQUEST } from "./sockets.ts";

const STOPPING = "stopping: sessions are being closed";

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  it("stops accepting, closes every client's connection and ends with 0", async () => {
    const server = await serve([]);
    const { "colon-relay": colon, "varint-state": varint } = server.ready;
    const clients = [new Client(colon.tcp), new Client(colon.tcp), new Client(varint.tcp)] as const;
    // Each has been answered, so the server has taken it in.
    for (const client of clients.slice(0, 2)) client.send("0:ann:pw\n");
    clients[2].send(STATUS_REQUEST);
    await Promise.all([clients[0].receive(/\n/), clients[1].receive(/\n/), clients[2].receive(/\}/)]);
    const ended = clients.map(({ socket }) => once(socket, "end"));
    server.child.kill(signal);
    await Promise.all(ended);
    const { code, stderr } = await server.ended;
    expect(code).toBe(0);
    expect(stderr).toContain('"msg":"stopped"');
    const late = new Client(colon.tcp);
    await late.ended;
  });

  it("is one signal when it comes twice at once, as npm delivers it", async () => {
    const server = await serve([]);
    server.child.kill(signal);
    server.child.kill(signal);
    const { code, stderr } = await server.ended;
    expect(code).toBe(0);
    expect(stderr.split(STOPPING)).toHaveLength(2);
  });
});

describe("a request that was taken before the signal", () => {
  it("is answered where it takes long, though few are to be closed", async () => {
    const file = join(temporaryDirectory(), "slow.mjs");
    const handler = "() => new Promise((resolve) => setTimeout(resolve, 3_500, ['done']))";
    const command = `{ name: "slow", check: () => true, handler: ${handler} }`;
    writeFileSync(file, `export default { commands: [${command}] };`);
    const server = await serve([
      "--set",
      `protocols.comma-command.modules=[${file}]`,
      "--set",
      "drainMs=1000",
    ]);
    const client = new Client(server.ready["comma-command"].tcp);
    client.send(Buffer.concat([frame("whoami"), frame("slow")]));
    await client.receive(/not_logged_in/);
    server.child.kill("SIGTERM");
    await client.receive(/done/);
    expect((await server.ended).code).toBe(0);
  });
});

describe("a second signal", () => {
  it("ends a server at once that is still closing", async () => {
    const server = await serve([]);
    // A client that does not go when it is told to keeps the server waiting for its linger time.
    const stays = new Client(server.ready["colon-relay"].tcp);
    stays.socket.allowHalfOpen = true;
    stays.send("0:ann:pw\n");
    await stays.receive(/\n/);
    server.child.kill("SIGTERM");
    await server.logged(STOPPING);
    await once(stays.socket, "end");
    // Within 250 ms it would be the first one again: repeat it until it is heard.
    const repeating = setInterval(() => server.child.kill("SIGTERM"), 100);
    const { code, stderr } = await server.ended;
    clearInterval(repeating);
    expect(code).toBe(1);
    expect(stderr).toContain("stopped at once, by a second signal");
    expect(stderr).not.toContain('"msg":"stopped"');
  });

  it("is one that comes 250 ms after the first, or later", () => {
    const before = process.rawListeners("SIGTERM");
    let now = 1_000;
    const handlers = { stop: vi.fn(), stopNow: vi.fn(), reload: vi.fn() };
    const stopListening = listenForSignals(handlers, () => now);
    process.emit("SIGTERM");
    now += 249;
    process.emit("SIGINT");
    expect(handlers.stop).toHaveBeenCalledTimes(1);
    expect(handlers.stopNow).not.toHaveBeenCalled();
    now += 1;
    process.emit("SIGTERM");
    expect(handlers.stop).toHaveBeenCalledTimes(1);
    expect(handlers.stopNow).toHaveBeenCalledTimes(1);
    stopListening();
    expect(process.rawListeners("SIGTERM")).toEqual(before);
  });
});

describe("SIGHUP", () => {
  it("takes over the log level, and tells what needs a restart", async () => {
    const file = join(temporaryDirectory(), "wireyard.yaml");
    writeFileSync(file, "drainMs: 100\n");
    const server = await serve(["--config", file]);
    writeFileSync(file, "drainMs: 200\nlog: { level: warn }\n");
    server.child.kill("SIGHUP");
    expect(await server.logged("the configuration was read again")).toMatchObject({
      changed: ["drainMs", "log.level"],
    });
    expect(await server.logged("needs a restart")).toMatchObject({ key: "drainMs", from: 100, to: 200 });
    expect(await server.logged("changed")).toMatchObject({ key: "log.level", from: "info", to: "warn" });
    server.child.kill("SIGTERM");
    const { code, stderr } = await server.ended;
    expect(code).toBe(0);
    // The level is `warn` now.
    expect(stderr).not.toContain(STOPPING);
  });

  it("keeps the old configuration where the new one cannot be used", async () => {
    const file = join(temporaryDirectory(), "wireyard.yaml");
    writeFileSync(file, "log: { level: info }\n");
    const server = await serve(["--config", file]);
    writeFileSync(file, "log: { level: loud }\n");
    server.child.kill("SIGHUP");
    const { msg, level } = await server.logged("the configuration cannot be used");
    expect(level).toBe("error");
    expect(msg).toContain("log.level (from");
    const client = new Client(server.ready["colon-relay"].tcp);
    client.send("0:ann:pw\n");
    await client.receive(/^0:\d+\n/);
  });
});
