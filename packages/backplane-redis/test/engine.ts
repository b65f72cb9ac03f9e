import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const REDIS = "redis-server";
const VALKEY = "valkey-server";
/** Engines of this machine: each contract is run on each, faults on the first. `WIREYARD_ENGINE` chooses one. */
export const ENGINES = (process.env.WIREYARD_ENGINE?.split(",") ?? [REDIS, VALKEY]).filter(
  (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
);
/** A suite for each, or one that is skipped. */
export const PROGRAMS = ENGINES.length > 0 ? ENGINES : [REDIS];
export const NO_ENGINE = ENGINES.length === 0;
if (NO_ENGINE) {
  console.warn(`backplane-redis: skipped, there is no ${REDIS} and no ${VALKEY} on this machine`);
}

/** A server of the test's own, on a free port and in a temporary directory. */
export class Engine {
  readonly port: number;
  readonly directory: string;
  private readonly program: string;
  private readonly args: readonly string[];
  private child: ChildProcess | undefined;

  private constructor(program: string, port: number, args: readonly string[]) {
    this.program = program;
    this.port = port;
    this.args = args;
    this.directory = mkdtempSync(path.join(tmpdir(), "wireyard-redis-"));
  }

  static async start(program = ENGINES[0] as string, args: readonly string[] = []): Promise<Engine> {
    const engine = new Engine(program, await freePort(), args);
    await engine.run();
    return engine;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** A sentinel that watches a master, and soon takes it for dead. */
  static async startSentinel(master: Engine): Promise<Engine> {
    const engine = new Engine(master.program, await freePort(), []);
    const file = path.join(engine.directory, "sentinel.conf");
    const lines = [
      `monitor main 127.0.0.1 ${master.port} 1`,
      "down-after-milliseconds main 500",
      "failover-timeout main 3000",
    ];
    writeFileSync(file, lines.map((line) => `sentinel ${line}\n`).join(""));
    await engine.run([file, "--sentinel"]);
    return engine;
  }

  async run(kind = ["--save", ""]): Promise<void> {
    const place = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.directory];
    const args = kind[0]?.startsWith("--") ? [...place, ...kind] : [...kind, ...place];
    const child = spawn(this.program, [...args, ...this.args], { stdio: ["ignore", "pipe", "ignore"] });
    this.child = child;
    await new Promise<void>((resolve, reject) => {
      let log = "";
      child.once("exit", () => reject(new Error(`${this.program} ended:\n${log}`)));
      child.stdout?.on("data", (text: Buffer) => {
        log += text;
        if (/Ready to accept connections|Sentinel ID is/.test(log)) resolve();
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** As a power cut: it has no time to say anything, and keeps nothing. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Asks it something as redis-cli would. */
  async ask(...words: string[]): Promise<string> {
    const socket = net.connect(this.port, "127.0.0.1");
    socket.write(
      `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`,
    );
    const [answer] = (await new Promise<Buffer[]>((resolve, reject) => {
      socket.once("data", (data: Buffer) => resolve([data]));
      socket.once("error", reject);
    })) as [Buffer];
    socket.destroy();
    return answer.toString();
  }
}

const IN_CLUSTER = "--cluster-enabled yes --cluster-node-timeout 2000 --repl-diskless-sync-delay 0".split(
  " ",
);

/** Three servers that make up a cluster, each with a third of the slots. */
export async function startCluster(program?: string): Promise<{ engines: Engine[]; stop(): Promise<void> }> {
  const engines = await Promise.all([1, 2, 3].map(() => Engine.start(program, IN_CLUSTER)));
  const stop = async (): Promise<void> => {
    for (const engine of engines) await engine.stop();
  };
  const [first] = engines as [Engine, Engine, Engine];
  const parts = [0, 5_461, 10_923, 16_384];
  for (const [i, engine] of engines.entries()) {
    // Else they agree on their epochs some time later, and no replica of one that dies before can follow it.
    await engine.ask("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    await engine.ask("CLUSTER", "ADDSLOTSRANGE", String(parts[i]), String((parts[i + 1] as number) - 1));
    if (engine !== first) await engine.ask("CLUSTER", "MEET", "127.0.0.1", String(first.port));
  }
  await until(async () => {
    const infos = await Promise.all(engines.map((engine) => engine.ask("CLUSTER", "INFO")));
    const slots = await Promise.all(engines.map((engine) => engine.ask("CLUSTER", "SLOTS")));
    return (
      infos.every((info) => info.includes("cluster_state:ok")) && slots.every((some) => some.startsWith("*3"))
    );
  });
  return { engines, stop };
}

/** A replica of a cluster's `master`, in step with it and known to the `others`, who make it the master when that dies. */
export async function startReplica(master: Engine, others: readonly Engine[]): Promise<Engine> {
  const replica = await Engine.start(undefined, IN_CLUSTER);
  await replica.ask("CLUSTER", "MEET", "127.0.0.1", String(master.port));
  const id = (await master.ask("CLUSTER", "MYID")).split("\r\n")[1] as string;
  await until(async () => (await replica.ask("CLUSTER", "REPLICATE", id)).startsWith("+OK"));
  await until(async () => (await replica.ask("INFO", "replication")).includes("master_link_status:up"));
  const slave = new RegExp(`:${replica.port}@\\S+ slave ${id} `);
  for (const engine of others) await until(async () => slave.test(await engine.ask("CLUSTER", "NODES")));
  return replica;
}

/** Waits for what nobody tells: asks again until it holds. */
export async function until(holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  for (const end = performance.now() + ms; !(await holds()); ) {
    if (performance.now() > end) throw new Error(`did not come true within ${ms} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function freePort(): Promise<number> {
  // A cluster's bus takes the port that is 10000 higher.
  for (;;) {
    const port = (await listened(0)) as number;
    if (port < 55_000 && (await listened(port + 10_000)) !== undefined) return port;
  }
}

/** The port, if it could be had; it is free again. */
function listened(port: number): Promise<number | undefined> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => {
      const { port: had } = server.address() as net.AddressInfo;
      server.close(() => resolve(had));
    });
  });
}
