import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ENV_PREFIX, KEYS_BY_ENV } from "../src/config/keys.ts";
import { loadConfig } from "../src/config/load.ts";
import type { Config } from "../src/config/schema.ts";

interface Service {
  environment?: Record<string, string>;
  ports?: string[];
  stop_grace_period?: string;
  healthcheck?: { test: string[] };
}

const fileOf = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), "utf8");
const compose: { services: Record<string, Service> } = parse(fileOf("deploy/compose.yaml"), { merge: true });
const haproxy = fileOf("deploy/haproxy.cfg");
const operations = fileOf("docs/operations.md");
const NODES = ["node-a", "node-b"];

function environmentOf(name: string): Record<string, string> {
  const variables = Object.entries(compose.services[name]?.environment ?? {});
  return Object.fromEntries(variables.map(([key, value]) => [key, value.replace(/\$\{.*?\}/g, "hunter2")]));
}

function configOf(name: string): Config {
  return loadConfig({ env: environmentOf(name), settings: [] }).config;
}

describe("the compose file", () => {
  it.each(NODES)("gives %s a configuration that is good, for more than one node", (name) => {
    const { host, accounts, backplane, node } = configOf(name);
    expect([host, accounts.reveal(), backplane?.reveal(), node.id]).toEqual([
      "0.0.0.0",
      "postgres://wireyard:hunter2@postgres/wireyard",
      "redis://valkey:6379",
      name,
    ]);
    expect(compose.services).toMatchObject({ postgres: {}, valkey: {} });
  });

  it("sets only keys that there are", () => {
    for (const { environment = {} } of Object.values(compose.services)) {
      const ours = Object.keys(environment).filter((name) => name.startsWith(ENV_PREFIX));
      for (const name of ours) expect(KEYS_BY_ENV.has(name), name).toBe(true);
    }
  });

  it.each(NODES)("lets %s drain before it is killed", (name) => {
    const seconds = Number(/^(\d+)s$/.exec(compose.services[name]?.stop_grace_period ?? "")?.[1]);
    expect(seconds * 1_000).toBeGreaterThanOrEqual(configOf(name).drainMs + 4_000);
  });

  it.each(NODES)("publishes the web port of %s under its own number, which the Host header has", (name) => {
    const { port } = configOf(name).web;
    expect(compose.services[name]?.ports).toEqual([`127.0.0.1:${port}:${port}`]);
  });

  it("publishes every protocol's port through the load balancer", () => {
    const ports = Object.values(configOf("node-a").protocols).map(({ port }) => `${port}:${port}`);
    expect(compose.services["load-balancer"]?.ports).toEqual(ports);
  });
});

describe("the load balancer's configuration", () => {
  it("leads each protocol's port to each node, and asks its web port whether it is ready", () => {
    for (const node of NODES) {
      const { protocols, web } = configOf(node);
      for (const [name, { port }] of Object.entries(protocols)) {
        const section = haproxy.split("\nlisten ").find((text) => text.startsWith(`${name}\n`)) ?? "";
        expect(section).toContain(`bind :${port}\n`);
        expect(section).toContain(`server ${node} ${node}:${port} port ${web.port}\n`);
      }
    }
    expect(haproxy).toContain("http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host node");
  });

  it("limits each client as a node would by itself", () => {
    const { limits } = loadConfig({ env: {}, settings: [] }).config;
    const rules = [...haproxy.matchAll(/conn_rate gt (\d+) \} or \{ sc0_conn_cur gt (\d+) \}/g)];
    expect(rules).toHaveLength(4);
    for (const [, rate, count] of rules) {
      expect([Number(rate), Number(count)]).toEqual([limits.connectionRatePerIp, limits.connectionsPerIp]);
    }
  });
});

describe("docs/operations.md", () => {
  it("names only keys that there are", () => {
    const keys = new Set([...KEYS_BY_ENV.values()].map(({ name }) => name));
    const named = [...operations.matchAll(/`((?:limits|node|web|protocols|tls|log)\.[\w.-]+)`/g)];
    expect(named.length).toBeGreaterThan(4);
    for (const [, name = ""] of named) expect(keys.has(name), name).toBe(true);
  });

  it("shows a node's configuration that is good", () => {
    const [, yaml = ""] = /```yaml\n(.*?)```/s.exec(operations) ?? [];
    const settings = Object.entries(parse(yaml)).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    expect(
      loadConfig({ env: {}, settings: settings.map((one) => one.replace(/="(.*)"$/, "=$1")) }).config.node.id,
    ).toBe("node-a");
  });
});
