import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Failure } from "./failure.ts";

const MAIN = fileURLToPath(new URL("../../apps/server/src/main.ts", import.meta.url));
const PROBE = new URL("probe.ts", import.meta.url).href;
const START_MS = 20_000;
/** Lines of its output that are kept. */
const KEPT_LINES = 20_000;

export type Settings = Readonly<Record<string, string | number | boolean | null>>;

/** What differs from a user's server: all load comes from one address, so what is counted by address is raised. */
const SETTINGS: Settings = {
  "protocols.colon-relay.port": 0,
  "protocols.colon-relay.udpPort": 0,
  "protocols.comma-command.port": 0,
  "protocols.varint-state.port": 0,
  "protocols.json-packet.port": 0,
  "web.port": null,
  "limits.maxConnections": 20_000,
  "limits.preLoginConnections": 20_000,
  "limits.connectionsPerIp": 20_000,
  "limits.connectionRatePerIp": 1_000_000,
  "limits.registrationsPerMinute": 1_000_000,
  "log.pretty": false,
};

export interface StartOptions {
  /** Where accounts are kept; without it in a directory of its own, which goes with the server. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The command line that runs the command line. */
  readonly wrap?: readonly string[];
}

interface ReadyLine {
  readonly pid: number;
  readonly "colon-relay": { readonly tcp: number; readonly udp: number };
  readonly "comma-command": { readonly tcp: number };
  readonly "varint-state": { readonly tcp: number };
  readonly "json-packet": { readonly tcp: number };
}

export type Protocol = "colon-relay" | "comma-command" | "varint-state" | "json-packet";

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Lets a signal end the program in order: the servers that it has started go with it. */
export function endWithSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));
}

/** The real server in a process of its own. */
export class Server {
  readonly ready: ReadyLine;
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
  /** What it has written. */
  readonly output: string[];
  private readonly child: ChildProcess;

  private constructor(
    child: ChildProcess,
    ready: ReadyLine,
    output: string[],
    ended: Promise<number | string>,
  ) {
    this.child = child;
    this.ready = ready;
    this.output = output;
    this.ended = ended;
  }

  /** @throws {Failure} where it does not start within 20 s */
  static async start(settings: Settings = {}, options: StartOptions = {}): Promise<Server> {
    const own = options.cwd === undefined ? mkdtempSync(path.join(tmpdir(), "wireyard-soak-")) : undefined;
    const set = Object.entries({ ...SETTINGS, ...settings }).flatMap(([key, value]) => [
      "--set",
      `${key}=${value}`,
    ]);
    const node = [process.execPath, "--conditions=source", `--import=${PROBE}`, MAIN, "serve", ...set];
    const [command = "", ...args] = [...(options.wrap ?? []), ...node];
    const child = spawn(command, args, {
      cwd: options.cwd ?? own,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    const output: string[] = [];
    const keep = (line: string): void => {
      if (output.push(line) > KEPT_LINES) output.shift();
    };
    createInterface({ input: child.stderr }).on("line", keep);
    const ended = new Promise<number | string>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        children.delete(child);
        if (own !== undefined) rmSync(own, { recursive: true, force: true });
        resolve(code ?? signal ?? "");
      });
    });
    const late = setTimeout(() => child.kill("SIGKILL"), START_MS);
    const ready = new Promise<ReadyLine>((resolve) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        keep(line);
        if (line.startsWith("wireyard ready ")) resolve(JSON.parse(line.slice("wireyard ready ".length)));
      });
    });
    const first = await Promise.race([ready, ended]);
    clearTimeout(late);
    if (typeof first !== "object")
      throw new Failure(`the server did not start: ${first} ${output.slice(-3).join(" ")}`);
    return new Server(child, first, output, ended);
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  port(protocol: Protocol): number {
    return this.ready[protocol].tcp;
  }

  /** Lines of the log that tell an error: none is expected, whatever clients send. */
  get complaints(): string[] {
    return this.output.filter((line) => /"level":"(?:error|fatal)"/.test(line));
  }

  /** Bytes of memory that are its own alone. */
  privateBytes(): number {
    const rollup = readFileSync(`/proc/${this.ready.pid}/smaps_rollup`, "utf8");
    const kib = [...rollup.matchAll(/^Private_\w+: +(\d+) kB$/gm)].map(([, size]) => Number(size));
    return kib.reduce((sum, size) => sum + size, 0) * 1_024;
  }

  residentBytes(): number {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.ready.pid}/status`, "utf8")) ?? [];
    return Number(kib) * 1_024;
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.ready.pid}/fd`).length;
  }

  /** Heap in use, and how late the event loop was at most since the last call. */
  async probe(): Promise<{ heapBytes: number; lagMs: number }> {
    const before = this.output.filter(isProbe).length;
    process.kill(this.ready.pid, "SIGUSR2");
    for (;;) {
      const found = this.output.filter(isProbe);
      if (found.length > before) return JSON.parse((found.at(-1) as string).slice("probe ".length));
      if (!this.isRunning) throw new Failure(`the server has ended: ${this.output.slice(-3).join(" ")}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  kill(signal: NodeJS.Signals): void {
    if (this.isRunning) process.kill(this.ready.pid, signal);
  }

  /** Ends it in order, or at once where it does not. */
  async stop(): Promise<number | string> {
    this.kill("SIGTERM");
    const late = setTimeout(() => this.kill("SIGKILL"), 20_000);
    const code = await this.ended;
    clearTimeout(late);
    return code;
  }
}

function isProbe(line: string): boolean {
  return line.startsWith("probe ");
}
