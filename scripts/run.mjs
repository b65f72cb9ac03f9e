#!/usr/bin/env node
// What `npm start` and `npm test` call: fetches the tools and dependencies that are missing, then hands over.
//
//   node scripts/run.mjs start ARGS      the server from its sources: `wireyard serve ARGS`
//   node scripts/run.mjs wireyard ARGS   the command line from its sources: `wireyard ARGS`
//   node scripts/run.mjs test ARGS       the tests: `vitest run ARGS`
//   node scripts/run.mjs exec CMD ARGS   any command, with the right Node and pnpm first on PATH
//
// Plain JavaScript without dependencies, on any Node >= 18.17: it runs before anything is installed.

import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureDependencies, ensureTools } from "./run/install.mjs";
import {
  childEnv,
  exitAfter,
  Failure,
  handOver,
  handOverServer,
  listenForSignals,
} from "./run/processes.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

async function main([command, ...args]) {
  // `npm start -- ARGS` leaves the dashes out, `pnpm start -- ARGS` does not.
  if (args[0] === "--") args.shift();
  if (!["start", "wireyard", "test", "exec"].includes(command) || (command === "exec" && args.length === 0)) {
    throw new Failure("usage: node scripts/run.mjs start ARGS | wireyard ARGS | test ARGS | exec CMD ARGS");
  }
  listenForSignals();
  const { node, pnpm } = await ensureTools(root);
  const env = childEnv([path.dirname(node), path.dirname(pnpm)]);
  await ensureDependencies(root, pnpm, env, { all: command === "test" || command === "exec" });
  const entry = path.join(root, "apps", "server", "src", "main.ts");

  if (command === "start") {
    const leash = pathToFileURL(path.join(root, "scripts", "run", "leash.mjs")).href;
    return handOverServer(node, ["--conditions=source", "--import", leash, entry, "serve", ...args], { env });
  }
  if (command === "wireyard") return handOver(node, ["--conditions=source", entry, ...args], { env });
  if (command === "test") {
    const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
    return handOver(node, [vitest, "run", ...args], { env, cwd: root });
  }
  return handOver(args[0], args.slice(1), { env, shell: process.platform === "win32" });
}

main(process.argv.slice(2)).then((code) => process.exit(code), exitAfter);
