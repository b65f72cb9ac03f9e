import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DEFAULT_LIMITS } from "@wireyard/session";
import { describe, expect, it } from "vitest";
import { KEYS, KEYS_BY_ENV } from "../src/config/keys.ts";
import { loadConfig } from "../src/config/load.ts";
import { MOUNTS } from "../src/mounts.ts";
import { temporaryDirectory } from "./processes.ts";

const PORT = "protocols.colon-relay.port";
const PORT_ENV = "WIREYARD_PROTOCOLS_COLON_RELAY_PORT";

function fileOf(text: string, name = "wireyard.yaml"): string {
  const file = join(temporaryDirectory(), name);
  writeFileSync(file, text);
  return file;
}

function load({
  file,
  env = {},
  settings = [],
}: {
  file?: string;
  env?: NodeJS.ProcessEnv;
  settings?: string[];
}) {
  return loadConfig({ file, env, settings });
}

describe("defaults", () => {
  it("are the contract's", () => {
    const { config, origins } = load({});
    expect(origins.size).toBe(0);
    expect(config.host).toBe("127.0.0.1");
    expect(config.protocols["colon-relay"]).toMatchObject({
      port: 3290,
      udpPort: 3290,
      tlsPort: null,
      auth: "open",
    });
    expect(config.protocols["comma-command"]).toEqual({ port: 3291, tlsPort: null, modules: [] });
    expect(config.protocols["varint-state"]).toMatchObject({
      port: 23456,
      keepAliveMs: 20_000,
      favicon: null,
    });
    expect(config.protocols["json-packet"]).toEqual({
      port: 25565,
      tlsPort: null,
      encryption: "optional",
      keyFile: null,
    });
    expect(config.web).toEqual({ port: 8080, origins: [], adminTokenFile: null });
    expect(config).toMatchObject({ backplane: null, node: { id: null, leaseMs: 5_000 }, drainMs: 10_000 });
    expect(config.limits).toEqual(DEFAULT_LIMITS);
    expect(config.log).toEqual({ level: "info", pretty: "auto" });
  });

  it("have a mount for every protocol, by its own name", () => {
    expect(Object.keys(MOUNTS)).toEqual(Object.keys(load({}).config.protocols));
  });
});

describe("precedence", () => {
  it("is defaults, file, environment, flags", () => {
    const file = fileOf("protocols: { colon-relay: { port: 1111 } }");
    const env = { [PORT_ENV]: "2222" };
    const portOf = (sources: Parameters<typeof load>[0]) =>
      load(sources).config.protocols["colon-relay"].port;
    expect(portOf({ file })).toBe(1111);
    expect(portOf({ file, env })).toBe(2222);
    expect(portOf({ file, env, settings: [`${PORT}=3333`] })).toBe(3333);
    expect(portOf({ settings: [`${PORT}=3333`, `${PORT}=4444`] })).toBe(4444);
  });

  it("leaves the other keys of a group alone", () => {
    const file = fileOf("limits: { frameBytes: 100, preLoginFrameBytes: 50 }");
    const { limits } = load({ file, settings: ["limits.frameBytes=200"] }).config;
    expect(limits).toEqual({ ...DEFAULT_LIMITS, frameBytes: 200, preLoginFrameBytes: 50 });
  });

  it("remembers where each key was given", () => {
    const file = fileOf("host: 127.0.0.2");
    const { origins } = load({ file, env: { WIREYARD_DRAIN_MS: "1" }, settings: ["log.level=warn"] });
    expect([...origins]).toEqual([
      ["host", file],
      ["drainMs", "WIREYARD_DRAIN_MS"],
      ["log.level", "--set"],
    ]);
  });
});

describe("a file", () => {
  it("may be JSON, indented with tabs", () => {
    expect(
      load({ file: fileOf('{\n\t"drainMs": 5,\n\t"log": {"level": "warn"}\n}', "a.json") }).config,
    ).toMatchObject({
      drainMs: 5,
      log: { level: "warn" },
    });
  });

  it("may be empty", () => {
    expect(load({ file: fileOf("") }).origins.size).toBe(0);
  });

  it("is what relative paths are relative to, wherever they were given", () => {
    const file = fileOf("accounts: sqlite:data/users.db");
    mkdirSync(join(file, "../data"));
    expect(load({ file }).config.accounts.reveal()).toBe(`sqlite:${join(file, "../data/users.db")}`);
    expect(load({ file, settings: ["accounts=sqlite:b.db"] }).config.accounts.reveal()).toBe(
      `sqlite:${join(file, "../b.db")}`,
    );
    expect(load({ file: fileOf("") }).config.accounts.reveal()).toMatch(/wireyard-test-.*[/\\]wireyard\.db$/);
  });

  it("is not needed: then they are relative to the working directory", () => {
    expect(load({}).config.accounts.reveal()).toBe(`sqlite:${resolve("wireyard.db")}`);
    expect(load({ settings: ["accounts=sqlite::memory:"] }).config.accounts.reveal()).toBe("sqlite::memory:");
  });
});

describe("a flag", () => {
  const cases: [string, (config: ReturnType<typeof load>["config"]) => unknown, unknown][] = [
    ["web.port=null", (config) => config.web.port, null],
    ["web.port=~", (config) => config.web.port, null],
    [`${PORT}=0`, (config) => config.protocols["colon-relay"].port, 0],
    ["protocols.colon-relay.errors=false", (config) => config.protocols["colon-relay"].errors, false],
    ["protocols.colon-relay.auth=accounts", (config) => config.protocols["colon-relay"].auth, "accounts"],
    ["limits={frameBytes: 7}", (config) => config.limits.frameBytes, 7],
    ["protocols.comma-command.modules=[]", (config) => config.protocols["comma-command"].modules, []],
    ["log.pretty=true", (config) => config.log.pretty, true],
    ["log.pretty=auto", (config) => config.log.pretty, "auto"],
    [
      "protocols.varint-state.description=1234",
      (config) => config.protocols["varint-state"].description,
      "1234",
    ],
    [
      "protocols.varint-state.description=null",
      (config) => config.protocols["varint-state"].description,
      "null",
    ],
    [
      "protocols.varint-state.description=a: b #c",
      (config) => config.protocols["varint-state"].description,
      "a: b #c",
    ],
    [
      'protocols.varint-state.description=" a"',
      (config) => config.protocols["varint-state"].description,
      " a",
    ],
    [
      "protocols.varint-state.version.protocol=-1",
      (config) => config.protocols["varint-state"].version.protocol,
      -1,
    ],
  ];

  it.each(cases)("%s is taken as its key takes it", (setting, read, value) => {
    expect(read(load({ settings: [setting] }).config)).toEqual(value);
  });
});

describe("the environment", () => {
  it("has one variable for each key, in capitals, with an underscore at each hump", () => {
    expect([...KEYS.values()].map(({ name, env }) => `${name} ${env}`)).toMatchSnapshot();
  });

  it("takes humps without the underscore too, and no name stands for two keys", () => {
    const humped = [...KEYS.values()].filter(({ name }) => /[A-Z]/.test(name));
    expect(KEYS_BY_ENV.size).toBe(KEYS.size + humped.length);
    expect(load({ env: { WIREYARD_DRAINMS: "7" } }).config.drainMs).toBe(7);
  });

  it("reaches every key with what is its default", () => {
    const env: NodeJS.ProcessEnv = {};
    for (const key of KEYS.values()) {
      env[key.env] = typeof key.fallback === "string" ? key.fallback : JSON.stringify(key.fallback);
    }
    const { config, origins } = load({ env });
    expect(config).toEqual(load({}).config);
    expect(origins.size).toBe(KEYS.size);
  });

  it("is as if it were not there where it is empty", () => {
    expect(load({ env: { [PORT_ENV]: "" } }).config.protocols["colon-relay"].port).toBe(3290);
  });

  it("may hold whatever else", () => {
    expect(load({ env: { PATH: "/bin", WIREYARDS: "1", wireyard_host: "x" } }).origins.size).toBe(0);
  });
});
