import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { BENCH } from "../build.ts";
import { freePort, has, type Running, startServer, versionOf } from "../processes.ts";
import type { Peer } from "./peer.ts";
import { wireyard } from "./wireyard.ts";

/** The least that a server of one thread can do: bench/load/limit.c. */
const limit: Peer = {
  name: "limit",
  missing: () => undefined,
  version: () => "bench/load/limit.c",
  start({ limit: program }) {
    const start = "limit ready ";
    const ready = (line: string): Record<string, number> | undefined =>
      line.startsWith(start) ? JSON.parse(line.slice(start.length)) : undefined;
    return startServer(program, [], { ready });
  },
};

/** A server that is a command of its own, from Debian. */
function command(
  name: string,
  program: string,
  versionArgs: string[],
  args: (port: number, folder: string) => string[],
): Peer {
  return {
    name,
    missing: () =>
      has(program) ? undefined : `${program} is not installed; on Debian: apt-get install ${program}`,
    version: () => versionOf(program, versionArgs),
    async start(): Promise<Running> {
      const port = await freePort();
      const cwd = mkdtempSync(path.join(tmpdir(), "wireyard-bench-"));
      const running = await startServer(program, args(port, cwd), { cwd, ready: port });
      const stop = async (): Promise<void> => {
        await running.stop();
        rmSync(cwd, { recursive: true, force: true });
      };
      return { ...running, stop };
    },
  };
}

/** A server of ours on a package from npm. */
export function onNode(
  name: string,
  script: string,
  { port = "main", args = [] }: { port?: string; args?: readonly string[] } = {},
): Peer {
  const manifest = path.join(BENCH, "node_modules", name, "package.json");
  const version = (): string | undefined => {
    try {
      return JSON.parse(readFileSync(manifest, "utf8")).version;
    } catch {
      return undefined;
    }
  };
  return {
    name,
    missing: () => (version() ? undefined : `${name} is not installed; run pnpm install`),
    version: () => `${version()}, Node ${process.version}`,
    start() {
      const file = path.join(import.meta.dirname, "servers", script);
      const ready = (line: string): Record<string, number> | undefined =>
        line.startsWith("ready ") ? { [port]: Number(line.slice(6)) } : undefined;
      return startServer(process.execPath, [file, ...args], { ready });
    },
  };
}

/** It keeps nothing on disk. */
export const redis = command("redis", "redis-server", ["--version"], (port) => {
  return [
    "--bind",
    "127.0.0.1",
    "--port",
    String(port),
    "--save",
    "",
    "--appendonly",
    "no",
    "--maxclients",
    "20000",
  ];
});

const nats = command("nats", "nats-server", ["--version"], (port) => {
  return ["--addr", "127.0.0.1", "--port", String(port)];
});

const mosquitto = command("mosquitto", "mosquitto", ["-h"], (port, folder) => {
  const file = path.join(folder, "mosquitto.conf");
  const lines = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "persistence false",
    "set_tcp_nodelay true",
  ];
  // As root it would drop to a user that cannot read its own folder.
  writeFileSync(file, `${[...lines, "user root", "log_type error"].join("\n")}\n`);
  return ["-c", file];
});

/** All that are compared, ourselves first. */
export function allPeers({ isBuilt }: { isBuilt: boolean }): Peer[] {
  return [
    wireyard(isBuilt),
    limit,
    redis,
    nats,
    mosquitto,
    onNode("ws", "ws.ts"),
    onNode("socket.io", "socket-io.ts"),
    onNode("aedes", "aedes.ts"),
    onNode("minecraft-protocol", "minecraft.ts", { port: "varint" }),
  ];
}

/** Named by the goals and not to be had from Debian or npm. */
export const NEVER_HERE = {
  velnet: "the VelNet server (Rust) is published neither by Debian nor on npm",
} as const;
