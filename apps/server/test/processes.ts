import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Free ports for every protocol, and accounts that leave nothing behind. */
export const ANY_PORTS: readonly string[] = [
  "protocols.colon-relay.port=0",
  "protocols.colon-relay.udpPort=0",
  "protocols.comma-command.port=0",
  "protocols.varint-state.port=0",
  "protocols.json-packet.port=0",
  "web.port=null",
].flatMap((setting) => ["--set", setting]);

/** What a command did. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** What the ready line tells. */
export interface Ready {
  pid: number;
  "colon-relay": { tcp: number; tls?: number; udp: number };
  "comma-command": { tcp: number; tls?: number };
  "varint-state": { tcp: number; tls?: number };
  "json-packet": { tcp: number; tls?: number };
  web?: number;
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "wireyard-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs `wireyard` to its end, with `input` in its pipe. */
export function wireyard(
  args: readonly string[],
  env: Record<string, string> = {},
  input = "",
): Promise<Outcome> {
  const running = new Running(args, { env });
  // It may end without reading.
  running.child.stdin?.on("error", () => {});
  running.child.stdin?.end(input);
  return running.ended;
}

/** Starts `wireyard serve` on free ports and waits for its ready line. */
export async function serve(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Running & { ready: Ready }> {
  const running = new Running(["serve", ...ANY_PORTS, ...args], options);
  const line = await running.line("stdout", (text) => text.startsWith("wireyard ready "));
  return Object.assign(running, { ready: JSON.parse(line.slice("wireyard ready ".length)) as Ready });
}

/** A `wireyard` process. It does not outlive its test. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
  private readonly lines = { stdout: [] as string[], stderr: [] as string[] };
  private readonly waiting = new Set<() => void>();

  constructor(args: readonly string[], options: { cwd?: string; env?: Record<string, string> }) {
    const cwd = options.cwd ?? temporaryDirectory();
    const env = { PATH: process.env.PATH ?? "", ...options.env };
    const child = spawn(process.execPath, ["--conditions=source", MAIN, ...args], {
      cwd,
      env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child = child;
    for (const stream of ["stdout", "stderr"] as const) {
      createInterface({ input: child[stream] }).on("line", (line) => {
        this.lines[stream].push(line);
        for (const look of this.waiting) look();
      });
    }
    const { lines } = this;
    this.ended = new Promise((resolve) => {
      child.on("close", (code) => {
        resolve({ code, stdout: lines.stdout.join("\n"), stderr: lines.stderr.join("\n") });
        for (const look of this.waiting) look();
      });
    });
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await this.ended;
    });
  }

  /** Waits for a line that it has written or writes. */
  line(stream: "stdout" | "stderr", matches: (line: string) => boolean): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines[stream].find(matches);
        const { exitCode, signalCode } = this.child;
        if (found !== undefined) resolve(found);
        else if (exitCode === null && signalCode === null) return;
        else reject(new Error(`ended with ${exitCode ?? signalCode}: ${this.lines.stderr.join("\n")}`));
        this.waiting.delete(look);
      };
      this.waiting.add(look);
      look();
    });
  }

  /** Waits for a line of the log with this message. */
  async logged(message: string): Promise<Record<string, unknown>> {
    return JSON.parse(await this.line("stderr", (line) => line.includes(`"msg":"${message}`)));
  }
}
