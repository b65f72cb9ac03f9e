/** PostgreSQL servers that live as long as the tests that start them, on a socket in a directory of their own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import pg from "pg";

const DEBIAN = "/usr/lib/postgresql";
const NOBODY = 65_534;
/** Every character that has to be written otherwise in a URL. */
export const PASSWORD = "p@ss:w/or?d#%";
/** Milliseconds that making and starting a server may take on a machine that is busy with other tests. */
export const START_MS = 60_000;

const programs = findPrograms();

/** Whether the machine has PostgreSQL 15 or later; where it has not, its tests are left out, and say so. */
export const hasPostgres: boolean = programs !== undefined;
if (!hasPostgres) console.info("PostgreSQL is not installed: its tests are left out");

/** A server with one user, `wireyard`, whose databases are sorted as English is. Whoever makes it removes it. */
export class Cluster {
  readonly directory: string;
  /** What it is started with, beside what makes it run here. */
  settings: Record<string, string> = {};
  #server: ChildProcess | undefined;
  #databases = 0;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "wireyard-pg-"));
    const passwordFile = join(this.directory, "password");
    writeFileSync(passwordFile, PASSWORD);
    for (const path of [this.directory, passwordFile]) this.give(path);
    const sorted = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--encoding=UTF8"];
    const user = ["--username=wireyard", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
    const args = ["--no-sync", `--pgdata=${join(this.directory, "data")}`, ...sorted, ...user];
    const { status, stderr } = spawnSync(join(programs ?? "", "initdb"), args, {
      ...asServer(),
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  }

  /** Makes a file the server's own. */
  give(path: string): void {
    if (process.getuid?.() === 0) chownSync(path, NOBODY, NOBODY);
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    // After a crash the memory of the one before is taken until the last of its processes has gone.
    for (let attempt = 0; attempt < 50; attempt++) {
      if (await this.#startOnce()) return;
    }
    throw new Error("PostgreSQL does not start");
  }

  /** Ends it in order: sessions are told, and cut. */
  async stop(): Promise<void> {
    await this.#end((server) => server.kill("SIGINT"));
  }

  /** Ends it, and leaves nothing behind. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** What a crash of its machine would do, but for the disk's own cache. */
  async crash(): Promise<void> {
    await this.#end((server) => {
      const sessions = spawnSync("pgrep", ["-P", String(server.pid)], { encoding: "utf8" }).stdout ?? "";
      server.kill("SIGKILL");
      for (const pid of sessions.split("\n").filter(Boolean)) {
        try {
          process.kill(Number(pid), "SIGKILL");
        } catch {
          // It has seen by itself that its parent is gone.
        }
      }
    });
  }

  url(database: string): string {
    const password = encodeURIComponent(PASSWORD);
    return `postgres://wireyard:${password}@/${database}?host=${encodeURIComponent(this.directory)}`;
  }

  /** Makes an empty database. */
  async database(options = ""): Promise<string> {
    const name = `test${++this.#databases}`;
    await this.query("postgres", `CREATE DATABASE ${name} ${options}`);
    return name;
  }

  /** Runs one statement as somebody else would. */
  async query(database: string, sql: string): Promise<Record<string, unknown>[]> {
    const client = await this.session(database);
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** A session of somebody else's. */
  async session(database: string): Promise<pg.Client> {
    const port = Number(this.settings.port ?? 5432);
    const client = new pg.Client({
      host: this.directory,
      port,
      user: "wireyard",
      password: PASSWORD,
      database,
    });
    await client.connect();
    return client;
  }

  async #startOnce(): Promise<boolean> {
    const settings = { unix_socket_directories: this.directory, listen_addresses: "", ...this.settings };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const args = ["-D", join(this.directory, "data"), ...flags];
    const server = spawn(join(programs ?? "", "postgres"), args, {
      ...asServer(),
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#server = server;
    process.once("exit", () => server.kill("SIGKILL"));
    const lines = createInterface({ input: server.stderr });
    return new Promise((resolve) => {
      lines.on("line", (line) => line.includes("ready to accept connections") && resolve(true));
      server.once("exit", () => resolve(false));
    });
  }

  async #end(how: (server: ChildProcess) => void): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    how(server);
    await ended;
  }
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** The newest of Debian's, or what is in the PATH. */
function findPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  const newest = versions
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(DEBIAN, version, "bin"));
  const path = (process.env.PATH ?? "").split(delimiter);
  return [...newest, ...path].find(
    (bin) => existsSync(join(bin, "initdb")) && existsSync(join(bin, "postgres")),
  );
}

/** PostgreSQL does not run as root. */
function asServer(): { uid?: number; gid?: number; cwd: string } {
  return { cwd: "/", ...(process.getuid?.() === 0 && { uid: NOBODY, gid: NOBODY }) };
}
