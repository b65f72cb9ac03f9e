import { createServer } from "node:net";
import { connectColonRelay } from "@wireyard/colon-relay/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { statusText } from "../src/commands/status.ts";
import { parseTarget } from "../src/commands/target.ts";
import { serve, wireyard } from "./processes.ts";

/** Takes connections and says nothing. */
async function silentPort(): Promise<number> {
  const server = createServer((socket) => onTestFinished(() => void socket.destroy()));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("status and ping", () => {
  it("tell about a server, for people and as JSON", async () => {
    const { ready } = await serve([
      "--set",
      "protocols.varint-state.description=Hällo",
      "--set",
      "limits.maxConnections=9",
    ]);
    const target = `127.0.0.1:${ready["varint-state"].tcp}`;
    const colon = await connectColonRelay({ url: `tcp://127.0.0.1:${ready["colon-relay"].tcp}` });
    onTestFinished(() => colon.close());
    await colon.login("ann");

    const status = await wireyard(["status", target]);
    expect(status).toMatchObject({ code: 0, stderr: "" });
    expect(status.stdout.replace(/[\d.]+ ms/, "N ms").split("\n")).toEqual([
      `server      ${target}`,
      "description Hällo",
      "version     Wireyard (protocol -1)",
      "players     2 of 9",
      "among them  ann",
      "latency     N ms",
    ]);
    const json = await wireyard(["status", "--json", target]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      target,
      latencyMs: expect.any(Number),
      status: { description: { text: "Hällo" }, version: { name: "Wireyard", protocol: -1 } },
    });

    const ping = await wireyard(["ping", target]);
    expect(ping.code).toBe(0);
    expect(ping.stdout).toMatch(/^127\.0\.0\.1:\d+ answered in [\d.]+ ms$/);
    const pingJson = await wireyard(["ping", target, "--json"]);
    expect(JSON.parse(pingJson.stdout)).toEqual({ target, latencyMs: expect.any(Number) });
  });

  it("fail with 1 and a line where nobody answers, or not in time", async () => {
    const closed = `127.0.0.1:${await closedPort()}`;
    expect(await wireyard(["status", closed])).toEqual({
      code: 1,
      stdout: "",
      stderr: `wireyard: ${closed}: the connection was refused; nothing listens there`,
    });
    const silent = `127.0.0.1:${await silentPort()}`;
    const { code, stderr } = await wireyard(["ping", silent, "--timeout", "200"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^wireyard: .*within 200 ms$/);
  });

  it("show a stranger's text as plain text on one line", () => {
    const evil = "\u001b]0;x\u0007\u001b[31m§cred\u009b\nline\u202e";
    const shown = statusText(
      "h:1",
      {
        version: { name: evil, protocol: 1 },
        players: { max: 1, online: 1, sample: [{ name: evil, id: "" }] },
        description: { text: evil },
      },
      1,
    );
    expect(shown.split("\n")).toHaveLength(7);
    expect(shown).not.toMatch(/[^\n\x20-\x7e]/);
  });

  it.each([
    ["localhost", "tcp://localhost:23456"],
    ["127.0.0.1:1", "tcp://127.0.0.1:1"],
    ["[::1]", "tcp://[::1]:23456"],
    ["[::1]:65535", "tcp://[::1]:65535"],
  ])("take %s for %s", (text, url) => {
    expect(parseTarget(text, 23_456).url).toBe(url);
  });

  it.each(["", "::1", "a:0", "a:65536", "a:b", "a b", "tcp://a", "a/b", "[a:1", "a:1:2"])(
    "do not take %j",
    (text) => {
      expect(() => parseTarget(text, 23_456)).toThrow("It must be HOST or HOST:PORT");
    },
  );
});

describe("config", () => {
  it("print shows what counts as YAML, with where it comes from", async () => {
    const { code, stdout } = await wireyard(["config", "print", "--set", "drainMs=5"], {
      WIREYARD_LOG_LEVEL: "warn",
    });
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({ host: "127.0.0.1", drainMs: 5, log: { level: "warn" } });
    expect(stdout).toContain("drainMs: 5 # from --set\n");
    expect(stdout).toContain("level: warn # from WIREYARD_LOG_LEVEL\n");
    const json = await wireyard(["config", "print", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ drainMs: 10_000 });
  });

  it("check tells every problem, a line each", async () => {
    const good = await wireyard(["config", "check", "--set", "web.port=0"]);
    expect(good).toMatchObject({ code: 0, stdout: "The configuration is good." });
    expect(good.stderr).toBe("");
    const bad = ["config", "check", "--set", "drainMs=x", "--set", "hots=1"];
    const { code, stdout, stderr } = await wireyard(bad);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr.split("\n")).toHaveLength(2);
    const json = await wireyard([...bad, "--json"]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      problems: [{ key: "hots" }, { key: "drainMs" }],
    });
  });
});

describe("exit codes", () => {
  it.each([
    ["--version"],
    ["--help"],
    ["help", "serve"],
    ["serve", "--help"],
    ["config", "--help"],
    ["config", "print", "--help"],
    ["config", "check", "--help"],
    ["ping", "--help"],
    ["status", "--help"],
    ["console", "--help"],
  ])("%s %s ends with 0 and writes to standard output alone", async (...args) => {
    const { code, stdout, stderr } = await wireyard(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toBe("");
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });

  it.each([
    [],
    ["server"],
    ["config"],
    ["serve", "--prot"],
    ["serve", "now"],
    ["serve", "--set", "host"],
    ["serve", "--config"],
    ["ping"],
    ["ping", "::1"],
    ["status", "localhost", "--timeout", "soon"],
    ["console"],
    ["console", "varint-state"],
    ["console", "gopher", "localhost"],
    ["console", "varint-state", "::1"],
  ])("%s %s ends with 2 and writes to standard error alone", async (...args) => {
    const { code, stdout, stderr } = await wireyard(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toBe("");
  });
});
