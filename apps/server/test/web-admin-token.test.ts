import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AdminToken } from "../src/web/admin-token.ts";
import { serve, temporaryDirectory, wireyard } from "./processes.ts";
import { startWebServer } from "./web-server.ts";

describe("the admin token of wireyard serve", () => {
  const WEB = ["--set", "web.port=0"];

  it("is printed once, behind the ready line, and only its hash is kept, for this user alone", async () => {
    const directory = temporaryDirectory();
    const first = await serve(WEB, { cwd: directory });
    const line = await first.line("stdout", (text) => text.startsWith("wireyard admin "));
    const { port, searchParams } = new URL(line.slice("wireyard admin ".length));
    expect(Number(port)).toBe(first.ready.web);
    const token = searchParams.get("token") ?? "";
    const file = join(directory, "wireyard.admin");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toMatch(/^sha256:[\w-]{43}\n$/);
    first.child.kill("SIGTERM");
    const { code, stdout, stderr } = await first.ended;
    expect([code, stdout.split("\n").length]).toEqual([0, 2]);
    expect(stderr + readFileSync(file, "utf8")).not.toContain(token);

    const second = await serve(WEB, { cwd: directory });
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`http://127.0.0.1:${second.ready.web}/api/overview`, { headers });
    expect(answer.status).toBe(200);
    second.child.kill("SIGTERM");
    expect((await second.ended).stdout).not.toContain("admin");
  });

  it("is where the configuration says, relative to its file", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "a.yaml");
    writeFileSync(file, "web: { adminTokenFile: secret/../admin }\naccounts: 'sqlite::memory:'\n");
    const { line } = await serve([...WEB, "--config", file]).then((server) => ({
      line: server.line("stdout", (text) => text.startsWith("wireyard admin ")),
    }));
    await line;
    expect(existsSync(join(directory, "admin"))).toBe(true);
  });

  it("keeps the server from starting where its file cannot be used, and nothing is left of the start", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "admin");
    const failing = async (): Promise<string> => {
      const args = ["--set", "accounts=sqlite::memory:", "--set", `web.adminTokenFile=${file}`];
      const ports = ["colon-relay", "comma-command", "varint-state", "json-packet"].flatMap((name) => [
        "--set",
        `protocols.${name}.port=0`,
      ]);
      const udp = ["--set", "protocols.colon-relay.udpPort=0"];
      const { code, stdout, stderr } = await wireyard(["serve", ...WEB, ...args, ...ports, ...udp]);
      expect([code, stdout]).toEqual([1, ""]);
      return stderr;
    };
    writeFileSync(file, "my token");
    expect(await failing()).toBe(
      `wireyard: web.adminTokenFile: ${file} holds no hash of a token; delete it, and a new token is made`,
    );
    expect(() => new AdminToken(join(directory, "none", "admin")).store()).toThrow(
      "there is no such directory",
    );
    expect(() => new AdminToken(directory)).toThrow("it is a directory");
    expect(() => new AdminToken(undefined).store()).not.toThrow();
  });

  it("is not lost where the start fails later: nothing is stored then", async () => {
    const directory = temporaryDirectory();
    const other = await startWebServer();
    const args = [
      "--set",
      `web.port=${other.port}`,
      "--set",
      `web.adminTokenFile=${join(directory, "admin")}`,
    ];
    const accounts = ["--set", "accounts=sqlite::memory:", "--set", "protocols.colon-relay.udpPort=0"];
    const ports = ["colon-relay", "comma-command", "varint-state", "json-packet"].flatMap((name) => [
      "--set",
      `protocols.${name}.port=0`,
    ]);
    const { code, stdout, stderr } = await wireyard(["serve", ...args, ...accounts, ...ports]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      `wireyard: web.port: port ${other.port} of 127.0.0.1 is in use; stop what has it, or take another (--set web.port=0 takes a free one)`,
    );
    expect(existsSync(join(directory, "admin"))).toBe(false);
  });
});
