import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { BENCH, BUILD, build } from "./build.ts";
import { growthChart, ratioChart } from "./chart.ts";
import { exitWith, Failure } from "./failure.ts";
import { allPeers, NEVER_HERE } from "./peers/index.ts";
import type { Peer } from "./peers/peer.ts";
import { isPinned } from "./processes.ts";
import { describeCommit, describeMachine, measure, type Results, type Timing } from "./run.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";
import { goalsTable, growthTable, problems, verdicts } from "./table.ts";

const HELP = `pnpm bench [options]

Measures Wireyard beside a yardstick and the servers found on this machine: work per
CPU-second of the server, in paired rounds. Prints a table; writes JSON and charts.

  --quick           a few short scenarios, under two minutes; kept in bench/.build/
  --only NAME       a scenario, the start of its name, or a peer; repeatable; kept in bench/.build/
  --rounds N        rounds (default 5, quick 3)
  --secs S          seconds measured in each (default 1, quick 0.3)
  --built           Wireyard from apps/server/dist (pnpm build) instead of from its sources
  --out NAME        name of the files in bench/results/ (default: today's date)
  --list            the scenarios and peers by name
  --help`;

try {
  process.exitCode = await main();
} catch (error) {
  exitWith("bench", error);
}

async function main(): Promise<number> {
  const options = readOptions();
  const known = allPeers({ isBuilt: options.built });
  if (options.help || options.list) {
    console.log(options.help ? HELP : listOf(known));
    return 0;
  }
  const { scenarios, peers } = select(options.only, known, options.quick);
  const programs = build();
  const withoutUs = known[0]?.missing();
  if (withoutUs) throw new Failure(withoutUs);
  const present = peers.filter((peer) => peer.missing() === undefined);
  const absent = peers.flatMap((peer) => (peer.missing() ? [[peer.name, peer.missing()]] : []));
  const leftOut: Record<string, string> = { ...Object.fromEntries(absent), ...NEVER_HERE };
  for (const [name, reason] of Object.entries(leftOut)) console.log(`left out: ${name}: ${reason}`);
  if (!isPinned) console.log("not pinned to cores (taskset or a second core is missing): expect noise");

  const results: Results = {
    date: new Date().toISOString(),
    command: ["pnpm bench", ...process.argv.slice(2)].join(" "),
    commit: describeCommit(),
    machine: describeMachine(),
    timing: options.timing,
    versions: Object.fromEntries(present.map((peer) => [peer.name, peer.version()])),
    leftOut,
    scenarios: [],
  };
  for (const [index, scenario] of scenarios.entries()) {
    const from = performance.now();
    const measured = await measure(scenario, present, { programs, timing: options.timing });
    results.scenarios.push(measured);
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    console.error(`${index + 1}/${scenarios.length} ${scenario.id} ${seconds} s`);
  }
  return report(
    results,
    options.isKept ? path.join(BENCH, "results", options.out) : path.join(BUILD, "last"),
  );
}

function report(results: Results, file: string): number {
  const { met, unmet } = verdicts(results);
  const wrong = problems(results);
  for (const table of [goalsTable(results), growthTable(results)]) if (table) console.log(`\n${table}`);
  console.log(
    "\nRatios: Wireyard's figure divided by the peer's of the same round, median (lowest–highest).",
  );
  console.log(`Goals: ${met} met, ${unmet.length} not met${unmet.length > 0 ? ":" : ""}`);
  for (const line of unmet) console.log(`  ${line}`);
  console.log(`Rounds that failed (anything missing or bad): ${wrong.length}`);
  for (const { line } of wrong) console.log(`  ${line}`);

  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.json`, `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(`${file}-ratios.svg`, ratioChart(results));
  const growth = growthChart(results);
  if (growth) writeFileSync(`${file}-growth.svg`, growth);
  console.log(
    `Written: ${path.relative(process.cwd(), file)}.json${growth ? ", -growth.svg" : ""}, -ratios.svg`,
  );
  // That another server loses or reorders messages is a finding; that ours or the yardstick does is a failure.
  return wrong.some(({ peer }) => peer === "wireyard" || peer === "limit") ? 1 : 0;
}

function parseOptions() {
  try {
    return parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        rounds: { type: "string" },
        secs: { type: "string" },
        built: { type: "boolean", default: false },
        out: { type: "string" },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new Failure(`${(error as Error).message.split("\n")[0]} --help shows the options`, 2);
  }
}

function readOptions() {
  const values = parseOptions();
  const { quick, only, out } = values;
  const timing: Timing = {
    rounds: positive("--rounds", values.rounds, quick ? 3 : 5),
    seconds: positive("--secs", values.secs, quick ? 0.3 : 1),
    firstWarm: quick ? 0.7 : 1.5,
    warm: quick ? 0.1 : 0.3,
    quiet: quick ? 0.05 : 0.2,
  };
  if (!Number.isInteger(timing.rounds))
    throw new Failure(`--rounds ${values.rounds}: it must be a whole number`, 2);
  // What was not measured in full is no result to keep, unless it is given a name.
  const isKept = out !== undefined || (!quick && only.length === 0);
  return { ...values, timing, isKept, out: out ?? new Date().toISOString().slice(0, 10) };
}

function positive(name: string, given: string | undefined, byDefault: number): number {
  const value = given === undefined ? byDefault : Number(given);
  if (!(value > 0 && value < 1000)) throw new Failure(`${name} ${given}: it must be a number above 0`, 2);
  return value;
}

/** Scenarios by name or by the start of it, peers by name; a peer is always measured beside ourselves. */
function select(
  only: readonly string[],
  known: readonly Peer[],
  isQuick: boolean,
): { scenarios: readonly Scenario[]; peers: readonly Peer[] } {
  const named = new Set(only.filter((name) => known.some((peer) => peer.name === name)));
  const starts = only.filter((name) => !named.has(name));
  const chosen = starts.flatMap((start) => {
    const exact = SCENARIOS.filter(({ id }) => id === start);
    const found = exact.length > 0 ? exact : SCENARIOS.filter(({ id }) => id.startsWith(start));
    if (found.length === 0)
      throw new Failure(`--only ${start}: no such scenario or peer; --list shows them`, 2);
    return found;
  });
  const scenarios = SCENARIOS.filter(
    (scenario) => (starts.length === 0 || chosen.includes(scenario)) && (!isQuick || scenario.isQuick),
  );
  const peers = named.size === 0 ? known : known.filter(({ name }) => name === "wireyard" || named.has(name));
  return { scenarios, peers };
}

function listOf(peers: readonly Peer[]): string {
  const lines = SCENARIOS.map(
    ({ id, title, isQuick }) => `${id.padEnd(24)} ${title}${isQuick ? "  (quick)" : ""}`,
  );
  return [
    ...lines,
    "",
    ...peers.map((peer) => `${peer.name.padEnd(24)} ${peer.missing() ?? peer.version()}`),
  ].join("\n");
}
