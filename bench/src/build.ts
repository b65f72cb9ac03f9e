import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import path from "node:path";
import { Failure } from "./failure.ts";

/** The folder `bench/`. */
export const BENCH = path.resolve(import.meta.dirname, "..");

/** Where everything goes that is made and not kept. */
export const BUILD = path.join(BENCH, ".build");

const SOURCES = path.join(BENCH, "load");

/** The two C programs. */
export interface Programs {
  readonly load: string;
  readonly limit: string;
}

/** What stands in the way of compiling, or `undefined`. */
export function cannotBuild(): string | undefined {
  if (process.platform !== "linux") return `this needs Linux (epoll, /proc); here is ${process.platform}`;
  const compiler = spawnSync("cc", ["--version"]);
  if (compiler.error) return "there is no C compiler (cc); on Debian: apt-get install gcc libc6-dev";
  return undefined;
}

/**
 * Compiles the load generator and the yardstick where they are missing or older than their sources.
 *
 * @throws {Failure} without Linux or a C compiler, or when it does not compile
 */
export function build(): Programs {
  const problem = cannotBuild();
  if (problem) throw new Failure(problem);
  mkdirSync(BUILD, { recursive: true });
  const files = readdirSync(SOURCES);
  const isLimit = (file: string): boolean => file === "limit.c";
  return {
    load: compile(
      "load",
      files.filter((file) => !isLimit(file)),
    ),
    limit: compile("limit", files.filter(isLimit)),
  };
}

function compile(name: string, files: string[]): string {
  const target = path.join(BUILD, name);
  const sources = files.map((file) => path.join(SOURCES, file));
  const madeAt = statSync(target, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (sources.every((source) => statSync(source).mtimeMs < madeAt)) return target;
  const inputs = sources.filter((source) => source.endsWith(".c"));
  // Another run may be using the present one.
  const made = `${target}-${process.pid}`;
  const run = spawnSync("cc", ["-O2", "-Wall", "-Wextra", "-o", made, ...inputs], { encoding: "utf8" });
  if (run.status !== 0) throw new Failure(`cc failed on ${name}:\n${run.stderr}`);
  renameSync(made, target);
  return target;
}
