import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { availableParallelism } from "node:os";
import { Failure } from "./failure.ts";

/** A server that was started for the benchmark. */
export interface Running {
  readonly pid: number;
  /** Port by what is spoken there. One that is missing is not served. */
  readonly ports: Readonly<Record<string, number>>;
  /** Where several serve together: the nodes beside this one, and what they all share. */
  readonly others?: readonly Running[];
  readonly engine?: Running;
  stop(): Promise<void>;
}

const START_MS = 15_000;
const STOP_MS = 5_000;
const children = new Set<ChildProcess>();

process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

/** Whether servers and load get a core each. */
export const isPinned = availableParallelism() > 1 && has("taskset");

/** The command as it is run on a core: 0 is the servers', 1 the load's. */
export function onCore(core: 0 | 1, command: string, args: readonly string[]): [string, string[]] {
  return isPinned ? ["taskset", ["-c", String(core), command, ...args]] : [command, [...args]];
}

/** Whether there is such a command. Debian keeps some servers where only root looks. */
export function has(command: string): boolean {
  return spawnSync("sh", ["-c", `command -v "$1"`, "sh", command], { env: serverEnv() }).status === 0;
}

/** The first line that a command says about itself. */
export function versionOf(command: string, args: readonly string[]): string {
  const run = spawnSync(command, args, { encoding: "utf8", env: serverEnv() });
  return `${run.stdout}${run.stderr}`.split("\n")[0]?.trim() ?? "";
}

/** A port that was free just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Starts a server on the servers' core.
 *
 * @param ready a line of standard output to wait for, from which `ports` are read; or the port to wait for
 * @throws {Failure} when it ends or is not there within 15 s
 */
export async function startServer(
  command: string,
  args: readonly string[],
  { cwd, ready }: { cwd?: string; ready: number | ((line: string) => Record<string, number> | undefined) },
): Promise<Running> {
  const [program, all] = onCore(0, command, args);
  const child = spawn(program, all, { cwd, env: serverEnv(), stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  const ended = once(child, "exit").then(() => children.delete(child));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2000);
  });
  const line = typeof ready === "number" ? undefined : linesOf(child, ready);
  child.stdout.resume();
  const there = typeof ready === "number" ? portOpen(ready).then(() => ({ main: ready })) : line;
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await ended;
    clearTimeout(timer);
  };
  const gone = ended.then(() => undefined);
  const failed = once(child, "error").then(([error]) => {
    throw new Failure(`${command}: ${(error as Error).message}`);
  });
  const ports = await Promise.race([there, gone, failed, after(START_MS)]);
  if (ports) return { pid: child.pid as number, ports, stop };
  if (child.exitCode === null && child.signalCode === null) await stop();
  throw new Failure(`${command} did not start: ${said.trim() || `nothing said within ${START_MS / 1000} s`}`);
}

function serverEnv(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin`, NODE_ENV: "production" };
}

function linesOf<Found>(child: ChildProcess, find: (line: string) => Found | undefined): Promise<Found> {
  let rest = "";
  return new Promise((resolve) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      const found = lines.map(find).find((one) => one !== undefined);
      if (found !== undefined) resolve(found);
    });
  });
}

async function portOpen(port: number): Promise<void> {
  const limit = Date.now() + START_MS;
  while (Date.now() < limit) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await after(20);
  }
}

/** Does not keep the program alive. */
function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
  });
}
