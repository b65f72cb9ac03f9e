import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

const root = join(import.meta.dirname, "../..");
const PROTOCOLS = ["colon-relay", "comma-command", "varint-state", "json-packet"];

/** A program that does not outlive its test, and the lines that it prints. */
export class Program {
  readonly lines: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting = new Set<() => void>();
  #errors = "";

  constructor(command: string, args: readonly string[], cwd: string, env: Record<string, string> = {}) {
    const child = spawn(command, args, { cwd, env: { PATH: process.env.PATH ?? "", ...env } });
    this.#child = child;
    const look = (): void => {
      for (const each of this.#waiting) each();
    };
    createInterface(child.stdout).on("line", (line) => {
      this.lines.push(line);
      look();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    child.on("close", look);
    onTestFinished(() => this.kill());
  }

  /** Waits for a line that it has printed or prints. */
  line(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.find((line) => pattern.test(line));
        if (found !== undefined) resolve(found);
        else if (this.#isRunning) return;
        else reject(new Error(`no ${pattern}: ${this.lines.join("\n")}\n${this.#errors}`));
        this.#waiting.delete(look);
      };
      this.#waiting.add(look);
      look();
    });
  }

  send(text: string): void {
    this.#child.stdin.write(text);
  }

  async kill(): Promise<void> {
    if (!this.#isRunning) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wireyard-browser-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A server that is serving. */
export interface Served {
  readonly program: Program;
  readonly web: number;
  readonly ports: Record<string, { tcp: number }>;
}

/** Starts a server, on free ports where `settings` name none. */
export async function serve(...settings: string[]): Promise<Served> {
  const free = PROTOCOLS.map((name) => `protocols.${name}.port=0`);
  const all = [
    ...free,
    "protocols.colon-relay.udpPort=null",
    "web.port=0",
    "accounts=sqlite::memory:",
    ...settings,
  ];
  const program = runScript("apps/server/src/main.ts", [
    "serve",
    ...all.flatMap((setting) => ["--set", setting]),
  ]);
  const ready = await program.line(/^wireyard ready /);
  const { web, ...ports } = JSON.parse(ready.slice("wireyard ready ".length));
  return { program, web, ports };
}

/** Runs a script of the repository, of the packages' sources, in a folder of its own. */
export function runScript(path: string, args: readonly string[], env: Record<string, string> = {}): Program {
  const all = ["--conditions=source", join(root, path), ...args];
  return new Program(process.execPath, all, temporaryFolder(), env);
}

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
