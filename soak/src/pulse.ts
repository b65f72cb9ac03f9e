/**
 * A user of the relay who talks to itself all the time, and how long its words take. On a thread of its own: what the
 * load generator is busy with must not count as the server's.
 */
import { createConnection } from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

export interface PulseFigures {
  readonly sent: number;
  readonly lost: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const EVERY_MS = 10;
const LAST_ANSWERS_MS = 3_000;

export class Pulse {
  private readonly worker: Worker;
  private readonly figures: Promise<PulseFigures>;

  private constructor(worker: Worker) {
    this.worker = worker;
    this.figures = new Promise((resolve, reject) => {
      worker.on("message", (message) => typeof message === "object" && resolve(message));
      worker.on("error", reject);
    });
  }

  /** Logs in to a relay and begins. */
  static async start(port: number): Promise<Pulse> {
    const worker = new Worker(new URL(import.meta.url), { workerData: { port } });
    const pulse = new Pulse(worker);
    await new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
    });
    return pulse;
  }

  async stop(): Promise<PulseFigures> {
    this.worker.postMessage("stop");
    const figures = await this.figures;
    await this.worker.terminate();
    return figures;
  }
}

/** The value below which the given part of them lies. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

if (!isMainThread && parentPort !== null && typeof workerData?.port === "number") {
  const parent = parentPort;
  const sentAt: number[] = [];
  const times: number[] = [];
  let rest = "";
  const socket = createConnection({ port: workerData.port, host: "127.0.0.1", noDelay: true });
  socket.on("error", () => {});
  socket.write("0:pulse:pw\n2:pulse room\n");
  const beat = (): void => {
    sentAt.push(performance.now());
    socket.write(`3:1:${sentAt.length - 1}\n`);
  };
  let beating: NodeJS.Timeout | undefined;
  const tell = (): void => {
    const lost = sentAt.length - times.length;
    parent.postMessage({
      sent: sentAt.length,
      lost,
      p99Ms: quantile(times, 0.99),
      maxMs: Math.max(0, ...times),
    });
  };
  socket.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) {
      const [, number] = /^3:\d+:(\d+)$/.exec(line) ?? [];
      if (number !== undefined) times.push(performance.now() - (sentAt[Number(number)] as number));
      else if (line.startsWith("4:") && beating === undefined) {
        beating = setInterval(beat, EVERY_MS);
        parent.postMessage("started");
      }
    }
  });
  parent.on("message", () => {
    clearInterval(beating);
    const until = performance.now() + LAST_ANSWERS_MS;
    const waiting = setInterval(() => {
      if (times.length < sentAt.length && performance.now() < until) return;
      clearInterval(waiting);
      tell();
    }, EVERY_MS);
  });
}
