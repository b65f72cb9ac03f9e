import { spawn } from "node:child_process";
import { once } from "node:events";
import { Failure } from "./failure.ts";
import { onCore } from "./processes.ts";

/** What one run of the load generator measured. Those of an idle run are `bytes_per_connection` alone. */
export interface LoadResult {
  /** Deliveries or replies for each CPU-second of the server's processes, user and system, all threads. */
  readonly per_cpu_second: number;
  /** The same with the CPU time of the engine that several nodes share. */
  readonly per_cpu_second_with_engine: number;
  readonly work_per_second: number;
  readonly server_cpu: number;
  readonly engine_cpu: number;
  readonly p50_us: number;
  readonly p95_us: number;
  readonly p99_us: number;
  readonly bytes_per_connection: number;
  /** What did not come, and what came and was not what it should be: changed, twice, in the wrong order. */
  readonly missing: number;
  readonly bad: number;
  readonly closed: number;
}

/** A quantity that is compared. */
export type Measure =
  | "per_cpu_second"
  | "per_cpu_second_with_engine"
  | "p50_us"
  | "p95_us"
  | "bytes_per_connection";

/**
 * Runs the load generator on its core.
 *
 * @throws {Failure} when it fails, and when anything was missing or bad: that is an error, not a figure
 */
export async function runLoad(program: string, args: readonly string[]): Promise<LoadResult> {
  const [command, all] = onCore(1, program, args);
  const child = spawn(command, all, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Failure(err.trim() || `the load generator ended with ${code}`);
  return parseLoadResult(out, err);
}

/** Reads the line that the load generator prints, and refuses one that counts losses. */
export function parseLoadResult(line: string, said = ""): LoadResult {
  let result: LoadResult;
  try {
    result = JSON.parse(line);
  } catch {
    throw new Failure(`the load generator said no JSON: ${line.slice(0, 200)}`);
  }
  const { missing, bad, closed } = result;
  if (missing !== 0 || bad !== 0 || closed !== 0) {
    throw new Failure(`${missing} missing, ${bad} bad, ${closed} closed. ${said.trim()}`.trim());
  }
  return result;
}
