import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { BENCH } from "../build.ts";
import { describeCommit } from "../commit.ts";
import { startServer } from "../processes.ts";
import type { PeerName } from "../scenarios.ts";
import type { Peer } from "./peer.ts";

/** Where this clone is. */
const HERE = path.resolve(BENCH, "..");

/**
 * What differs from the defaults. All load comes from one address, so the counts and rates for one address are raised;
 * every other limit, check and deadline is on, as a user has it.
 */
const SETTINGS = {
  "limits.maxConnections": 20_000,
  "limits.connectionsPerIp": 20_000,
  "limits.connectionRatePerIp": 1_000_000,
  "protocols.colon-relay.port": 0,
  "protocols.colon-relay.udpPort": 0,
  "protocols.comma-command.port": 0,
  "protocols.varint-state.port": 0,
  "protocols.json-packet.port": 0,
  "web.port": 0,
  drainMs: 0,
};

/** Names of ports in talks, and where the ready line has them. `web` is missing as long as nothing is served there. */
const PORTS: Record<string, (line: ReadyLine) => number | undefined> = {
  colon: (line) => line["colon-relay"]?.tcp,
  udp: (line) => line["colon-relay"]?.udp,
  comma: (line) => line["comma-command"]?.tcp,
  varint: (line) => line["varint-state"]?.tcp,
  json: (line) => line["json-packet"]?.tcp,
  web: (line) => line.web,
};

interface ReadyLine {
  readonly web?: number;
  readonly [protocol: `${string}-${string}`]: { readonly tcp?: number; readonly udp?: number } | undefined;
}

/**
 * Wireyard's server: from its sources, or as it was built (`pnpm build`) and is published.
 *
 * @param more settings beside those that every one has
 * @param clone its folder, and what it is called; default: this one
 */
export function wireyard(
  isBuilt: boolean,
  more: Readonly<Record<string, string>> = {},
  { folder, name }: { folder: string; name: PeerName } = { folder: HERE, name: "wireyard" },
): Peer {
  const app = path.join(folder, "apps/server");
  const main = isBuilt ? ["dist/main.js"] : ["--conditions=source", "src/main.ts"];
  const script = path.join(app, main.at(-1) as string);
  return {
    name,
    missing() {
      if (!existsSync(path.join(app, "node_modules")))
        return `${app} has no node_modules; run pnpm install there`;
      return existsSync(script) ? undefined : `${app} has not been built; run pnpm build there`;
    },
    version() {
      const { version } = JSON.parse(readFileSync(path.join(app, "package.json"), "utf8"));
      const commit = describeCommit(folder);
      const source = isBuilt ? "its build" : "its sources";
      return `${version}${commit && ` at ${commit}`} from ${source}, Node ${process.version}`;
    },
    async start() {
      // Accounts are a file, as by default.
      const cwd = mkdtempSync(path.join(tmpdir(), "wireyard-bench-"));
      const set = Object.entries({ ...SETTINGS, ...more }).flatMap(([key, value]) => [
        "--set",
        `${key}=${value}`,
      ]);
      const args = [...main.slice(0, -1), script, "serve", ...set];
      const running = await startServer(process.execPath, args, { cwd, ready: readPorts });
      const stop = async (): Promise<void> => {
        await running.stop();
        rmSync(cwd, { recursive: true, force: true });
      };
      return { ...running, stop };
    },
  };
}

/** Ports by name from `wireyard ready {…}`; `undefined` of any other line. */
export function readPorts(line: string): Record<string, number> | undefined {
  const start = "wireyard ready ";
  if (!line.startsWith(start)) return undefined;
  const ready: ReadyLine = JSON.parse(line.slice(start.length));
  const found = Object.entries(PORTS).map(([name, read]) => [name, read(ready)]);
  return Object.fromEntries(found.filter(([, port]) => port !== undefined));
}
