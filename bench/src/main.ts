import { build } from "./build.ts";
import { growthChart, ratioChart } from "./chart.ts";
import { exitWith, Failure } from "./failure.ts";
import { listOf, OPTIONS_HELP, readOptions, select } from "./options.ts";
import { allPeers, NEVER_HERE } from "./peers/index.ts";
import { measureAll, type Results, writeResults } from "./run.ts";
import { SCENARIOS } from "./scenarios.ts";
import { goalsTable, growthTable, problems, verdicts } from "./table.ts";

const HELP = `pnpm bench [options]

Measures Wireyard beside a yardstick and the servers found on this machine: work per
CPU-second of the server, in paired rounds. Prints a table; writes JSON and charts.

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
  const known = { scenarios: SCENARIOS, peers: allPeers({ isBuilt: options.built }) };
  if (options.help || options.list) {
    console.log(options.help ? HELP : listOf(known.scenarios, known.peers));
    return 0;
  }
  const { scenarios, peers } = select(options, known, ["wireyard"]);
  const programs = build();
  const withoutUs = known.peers[0]?.missing();
  if (withoutUs) throw new Failure(withoutUs);
  const settings = { programs, timing: options.timing, leftOut: NEVER_HERE };
  return report(await measureAll("pnpm bench", scenarios, peers, settings), options.file);
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
  writeResults(file, results, { "-ratios": ratioChart(results), "-growth": growthChart(results) });
  // That another server loses or reorders messages is a finding; that ours or the yardstick does is a failure.
  return wrong.some(({ peer }) => peer === "wireyard" || peer === "limit") ? 1 : 0;
}
