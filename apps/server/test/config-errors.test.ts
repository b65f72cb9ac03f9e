import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../src/config/load.ts";
import type { Config } from "../src/config/schema.ts";
import { shown } from "../src/config/secrets.ts";
import { changes, configYaml, withoutSecrets } from "../src/config/show.ts";
import { temporaryDirectory } from "./processes.ts";

function messageOf(sources: { file?: string; env?: NodeJS.ProcessEnv; settings?: string[] }): string {
  try {
    loadConfig({ file: sources.file, env: sources.env ?? {}, settings: sources.settings ?? [] });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.message).not.toContain("\n");
    return error.message;
  }
  throw new Error("the configuration was taken");
}

describe("what cannot be taken is told in one line that names key, source, value and what would be right", () => {
  const flags: [string, string][] = [
    [
      "protocols.colon-relay.prot=1",
      "protocols.colon-relay.prot (from --set): no such key; the nearest is protocols.colon-relay.port",
    ],
    ["limit={frameBytes: 1}", "limit (from --set): no such key; the nearest is limits"],
    ["limits.framebytes=1", "limits.framebytes (from --set): no such key; the nearest is limits.frameBytes"],
    ["limits=3", "limits (from --set): 3 cannot stand here; it holds keys, such as limits.loginTimeoutMs"],
    ["host.name=x", "host.name (from --set): no such key; the nearest is host"],
    [
      "web.port=abc",
      'web.port (from --set): "abc" is not a port from 0 to 65535 (0 takes a free one), or null',
    ],
    ["web.port=65536", "web.port (from --set): 65536 is not a port"],
    ["web.port=-1", "web.port (from --set): -1 is not a port"],
    ["web.port=80.5", "web.port (from --set): 80.5 is not a port"],
    ["web.port=", 'web.port (from --set): "" is not a port'],
    ["limits.frameBytes=0", "limits.frameBytes (from --set): 0 is not a whole number from 1 to 1000000000"],
    [
      "limits.messagesPerSecond=0",
      "limits.messagesPerSecond (from --set): 0 is not a whole number from 1 to",
    ],
    ["drainMs=1s", 'drainMs (from --set): "1s" is not a whole number from 0 to 1000000000'],
    ["protocols.colon-relay.auth=closed", '"closed" is not one of open, accounts'],
    ["protocols.colon-relay.errors=yes", '"yes" is not true or false'],
    ["log.pretty=maybe", '"maybe" is not auto, true or false'],
    ["accounts=users.db", '"users.db" is not sqlite:FILE, sqlite::memory: or postgres://'],
    [
      "backplane=nats://h",
      '"nats://h" is not redis://HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/GROUP or',
    ],
    ["host=", 'host (from --set): "" is not text'],
    [
      "web.origins=[https://a.example/]",
      'web.origins (from --set): ["https://a.example/"] is not a list of origins',
    ],
  ];

  it.each(flags)("--set %s", (setting, text) => {
    expect(messageOf({ settings: [setting] })).toContain(text);
  });

  it("in a file", () => {
    const file = join(temporaryDirectory(), "wireyard.yaml");
    writeFileSync(file, "protocols:\n  colon-relay:\n    port: '3290'\n");
    expect(messageOf({ file })).toBe(
      `protocols.colon-relay.port (from ${file}): "3290" is not a port from 0 to 65535 (0 takes a free one), or null`,
    );
    writeFileSync(file, "__proto__: { host: x }\n");
    expect(messageOf({ file })).toContain("__proto__ (from");
    writeFileSync(file, "- host\n");
    expect(messageOf({ file })).toContain('["host"] cannot stand here; it holds keys, such as host');
    writeFileSync(file, "limits:\n");
    expect(messageOf({ file })).toContain("limits (from");
    writeFileSync(file, "host: a\nhost: b\n");
    expect(messageOf({ file })).toBe(`host (from ${file}): it is there twice, again in line 2; leave one`);
    writeFileSync(file, "web: { port: 1 }\nlimits:\n  frameBytes: 9000\n  frameBytes: 9001\n");
    expect(messageOf({ file })).toContain("frameBytes (from");
    writeFileSync(file, "host: [\n");
    expect(messageOf({ file })).toContain("it is neither YAML nor JSON");
    expect(messageOf({ file: `${file}.not` })).toBe(`--config (from ${file}.not): there is no such file`);
    expect(messageOf({ file: join(file, "..") })).toContain("it is a directory");
  });

  it("in the environment", () => {
    expect(messageOf({ env: { WIREYARD_PROTOCOLS_COLON_RELAY_PROT: "1" } })).toBe(
      "WIREYARD_PROTOCOLS_COLON_RELAY_PROT (from the environment): no such key; the nearest is WIREYARD_PROTOCOLS_COLON_RELAY_PORT",
    );
    expect(messageOf({ env: { WIREYARD_DRAIN_MS: "soon" } })).toContain(
      'drainMs (from WIREYARD_DRAIN_MS): "soon" is not',
    );
    expect(messageOf({ env: { WIREYARD_DRAIN_MS: "1", WIREYARD_DRAINMS: "2" } })).toContain(
      "WIREYARD_DRAINMS (from the environment): says the same as WIREYARD_DRAIN_MS; keep one",
    );
  });

  it("also where a later source has a good value", () => {
    expect(messageOf({ env: { WIREYARD_DRAIN_MS: "soon" }, settings: ["drainMs=1"] })).toContain(
      "WIREYARD_DRAIN_MS",
    );
  });

  it("counts the others", () => {
    expect(messageOf({ settings: ["a=1", "b=2", "drainMs=x"] })).toMatch(
      /^a \(.*\(and 2 more: wireyard config check\)$/,
    );
  });

  it("for two on one port, at the one that was set", () => {
    expect(messageOf({ settings: ["protocols.colon-relay.port=3291"] })).toBe(
      "protocols.colon-relay.port (from --set): protocols.comma-command.port has port 3291 too; give them different ones",
    );
    expect(messageOf({ settings: ["web.port=3290"] })).toBe(
      "web.port (from --set): protocols.colon-relay.port has port 3290 too; give them different ones",
    );
    expect(messageOf({ settings: ["protocols.json-packet.port=3290"] })).toContain(
      "protocols.json-packet.port (from",
    );
  });
});

describe("a TLS port", () => {
  const certificate = ["tls.cert=a.pem", "tls.key=b.pem"];

  it("needs a certificate and its key", () => {
    const needs = (lacking: string): string =>
      `protocols.json-packet.tlsPort (from --set): TLS needs ${lacking} too; wireyard config dev-cert makes a pair to try it with`;
    const settings = ["protocols.json-packet.tlsPort=0"];
    expect(messageOf({ settings })).toBe(needs("tls.cert and tls.key"));
    expect(messageOf({ settings: [...settings, "tls.cert=a.pem"] })).toBe(needs("tls.key"));
    expect(messageOf({ settings: [...settings, "tls.key=b.pem"] })).toBe(needs("tls.cert"));
    const { config } = loadConfig({ file: undefined, env: {}, settings: [...settings, ...certificate] });
    expect(config.tls).toEqual({ cert: resolve("a.pem"), key: resolve("b.pem") });
  });

  it("needs its protocol, and a port of its own", () => {
    const left = ["protocols.json-packet.port=null", "protocols.json-packet.tlsPort=1"];
    expect(messageOf({ settings: [...left, ...certificate] })).toBe(
      "protocols.json-packet.tlsPort (from --set): protocols.json-packet.port is null, which leaves the protocol out; give it a port too",
    );
    expect(messageOf({ settings: ["protocols.json-packet.tlsPort=3290", ...certificate] })).toBe(
      "protocols.json-packet.tlsPort (from --set): protocols.colon-relay.port has port 3290 too; give them different ones",
    );
  });
});

describe("secrets", () => {
  it("are not in messages", () => {
    expect(shown("mysql://u:p@ss/w0rd@h/d")).toBe('"mysql://u:***@h/d"');
    expect(shown("postgres://h/d?user=u&password=pw&sslmode=on")).toBe(
      '"postgres://h/d?user=u&password=***&sslmode=on"',
    );
    expect(messageOf({ settings: ["accounts=mysql://u:secret@h/d"] })).not.toContain("secret");
  });

  it("are not in what is printed", () => {
    const { config } = loadConfig({ env: {}, settings: [] });
    const settings = ["accounts=postgres://u:hunter2@h/d", "backplane=redis+sentinel://:hunter2@h:6379/main"];
    const several = loadConfig({ env: {}, settings });
    expect(withoutSecrets(several.config)).toMatchObject({
      accounts: "postgres://u:***@h/d",
      backplane: "redis+sentinel://:***@h:6379/main",
    });
    const shownInAnyWay = [
      configYaml(several),
      JSON.stringify(several),
      inspect(several, { depth: null, showHidden: true }),
      `${several.config.accounts} ${several.config.backplane}`,
      JSON.stringify(changes(config, several.config)),
    ].join("\n");
    expect(shownInAnyWay).toContain("postgres://u:***@h/d");
    expect(shownInAnyWay).not.toContain("hunter2");
    expect(several.config.accounts.reveal()).toBe("postgres://u:hunter2@h/d");
  });

  it("that have changed are a change, though it shows no difference", () => {
    const [before, after] = ["one", "two"].map(
      (password) => loadConfig({ env: {}, settings: [`accounts=postgres://u:${password}@h/d`] }).config,
    ) as [Config, Config];
    expect(JSON.parse(JSON.stringify(changes(before, after)))).toEqual([
      { key: "accounts", from: "postgres://u:***@h/d", to: "postgres://u:***@h/d" },
    ]);
    expect(changes(before, before)).toEqual([]);
  });

  it("nor are control characters or long values", () => {
    expect(shown("a\n\u001b[31m\u009b")).toBe('"a\\n\\u001b[31m?"');
    expect(shown("x".repeat(1_000))).toHaveLength(80);
  });
});
