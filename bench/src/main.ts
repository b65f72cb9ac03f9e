import path from "node:path";
import { againstTable, clones, ofBoth } from "./against.ts";
import { build } from "./build.ts";
import { growthChart, ratioChart } from "./chart.ts";
import { exitWith, Failure } from "./failure.ts";
import { listOf, OPTIONS_HELP, readOptions, select } from "./options.ts";
import { allPeers, NEVER_HERE } from "./peers/index.ts";
import { measureAll, type Results, writeResults } from "./run.ts";
import { SCENARIOS } from "./scenarios.ts";
import { goalsTable, growthTable, tellProblems, verdicts } from "./table.ts";

const HELP = `pnpm bench [options]

Measures Wireyard beside a yardstick and the servers found on this machine: work per
CPU-second of the server, in paired rounds. Prints a table; writes JSON and charts.

  --against FOLDER  this clone beside another one, and nothing else: what a change costs
  --quick           a few short scenarios, under two minutes; kept in bench/.build/
${OPTIONS_HELP} (default: today's date)
  --list            the scenarios and peers by name
  --help`;

try {
  process.exitCode = await main();
} catch (error) {
  exitWith("bench", error);
}

async function main(): Promise<number> {
  const options = readOptions();
  const { against, built } = options;
  const known =
    against === undefined
      ? { scenarios: SCENARIOS, peers: allPeers({ isBuilt: built }) }
      : { scenarios: ofBoth(SCENARIOS), peers: clones(path.resolve(against), built) };
  if (options.help || options.list) {
    console.log(options.help ? HELP : listOf(known.scenarios, known.peers));
    return 0;
  }
  const { scenarios, peers } = select(options, known, ["wireyard", "other"]);
  const programs = build();
  const withoutUs = (against === undefined ? known.peers.slice(0, 1) : known.peers)
    .map((peer) => peer.missing())
    .find((problem) => problem !== undefined);
  if (withoutUs) throw new Failure(withoutUs);
  const leftOut = against === undefined ? NEVER_HERE : {};
  const results = await measureAll("pnpm bench", scenarios, peers, {
    programs,
    timing: options.timing,
    leftOut,
  });
  return against === undefined ? report(results, options.file) : reportAgainst(results, options.file);
}

function reportAgainst(results: Results, file: string): number {
  for (const [name, version] of Object.entries(results.versions)) console.log(`${name}: ${version}`);
  console.log(`\n${againstTable(results)}`);
  const wrong = tellProblems(results);
  writeResults(file, results, {});
  // The other one may not know yet what is asked.
  return wrong.some(({ peer }) => peer === "wireyard") ? 1 : 0;
}

function report(results: Results, file: string): number {
  const { met, unmet } = verdicts(results);
  for (const table of [goalsTable(results), growthTable(results)]) if (table) console.log(`\n${table}`);
  console.log(
    "\nRatios: Wireyard's figure divided by the peer's of the same round, median (lowest–highest).",
  );
  console.log(`Goals: ${met} met, ${unmet.length} not met${unmet.length > 0 ? ":" : ""}`);
  for (const line of unmet) console.log(`  ${line}`);
  const wrong = tellProblems(results);
  writeResults(file, results, { "-ratios": ratioChart(results), "-growth": growthChart(results) });
  // That another server loses or reorders messages is a finding; that ours or the yardstick does is a failure.
  return wrong.some(({ peer }) => peer === "wireyard" || peer === "limit") ? 1 : 0;
}
