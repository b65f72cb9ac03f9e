import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect } from "vitest";

const MAIN = join(import.meta.dirname, "../../apps/server/src/main.ts");
const PROTOCOLS = ["colon-relay", "comma-command", "varint-state", "json-packet"];

/** The ports of the ready line. */
export type Ports = Record<string, { tcp: number; udp: number }>;

/**
 * Has the server run while the tests of the `describe` or file around it do, on free ports and with `settings` such as
 * `protocols.colon-relay.usernames=true`. It must end well.
 *
 * @returns where it listens, once a test runs
 */
export function serving(...settings: string[]): () => Ports {
  const home = mkdtempSync(join(tmpdir(), "wireyard-interop-"));
  let ports: Ports = {};
  let stop: () => Promise<unknown[]>;

  beforeAll(async () => {
    const free = PROTOCOLS.map((name) => `protocols.${name}.port=0`);
    const all = [
      ...free,
      "protocols.colon-relay.udpPort=0",
      "web.port=null",
      "accounts=sqlite::memory:",
      ...settings,
    ];
    const args = ["--conditions=source", MAIN, "serve", ...all.flatMap((setting) => ["--set", setting])];
    const child = spawn(process.execPath, args, { cwd: home, stdio: ["ignore", "pipe", "pipe"] });
    const exited = once(child, "exit");
    stop = () => {
      child.kill("SIGTERM");
      return exited;
    };
    let log = "";
    child.stderr.on("data", (text: Buffer) => {
      log += text.toString();
    });
    for await (const line of createInterface(child.stdout)) {
      if (!line.startsWith("wireyard ready ")) continue;
      ports = JSON.parse(line.slice("wireyard ready ".length)) as Ports;
      return;
    }
    throw new Error(`the server has ended: ${log}`);
  });

  afterAll(async () => {
    expect(await stop()).toEqual([0, null]);
    rmSync(home, { recursive: true });
  });

  return () => ports;
}

/** The port of a protocol's streams. */
export function tcpPort(ports: Ports, protocol: string): number {
  return ports[protocol]?.tcp ?? 0;
}
