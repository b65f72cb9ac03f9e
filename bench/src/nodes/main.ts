import { build } from "../build.ts";
import { exitWith, Failure } from "../failure.ts";
import { listOf, OPTIONS_HELP, readOptions, select } from "../options.ts";
import { measureAll, type Results, writeResults } from "../run.ts";
import { tellProblems } from "../table.ts";
import { nodesChart } from "./chart.ts";
import { nodesPeers, started } from "./peers.ts";
import { NODES_SCENARIOS } from "./scenarios.ts";
import { comparisonsTable, figuresTable } from "./table.ts";

const HELP = `pnpm bench:nodes [options]

Measures rooms whose members are on several nodes: Wireyard on one, two and four, and socket.io
on one and on two with its Redis adapters. Work per CPU-second of all nodes together, and of
all nodes and their Redis. Starts its own redis-server. Prints tables; writes JSON and a chart.

  --quick           three short scenarios, about a minute; kept in bench/.build/
${OPTIONS_HELP} (default: nodes- and today's date)
  --list            the scenarios and peers by name
  --help`;

try {
  process.exitCode = await main();
} catch (error) {
  exitWith("bench:nodes", error);
}

async function main(): Promise<number> {
  const options = readOptions("nodes-");
  const known = { scenarios: NODES_SCENARIOS, peers: nodesPeers({ isBuilt: options.built }) };
  if (options.help || options.list) {
    console.log(options.help ? HELP : listOf(known.scenarios, known.peers));
    return 0;
  }
  const { scenarios, peers } = select(options, known, ["wireyard-1", "wireyard-2"]);
  const programs = build();
  const withoutUs = known.peers[0]?.missing();
  if (withoutUs) throw new Failure(withoutUs);
  const running = await started(peers, programs);
  try {
    const settings = { programs, timing: options.timing, leftOut: {} };
    return report(await measureAll("pnpm bench:nodes", scenarios, running.peers, settings), options.file);
  } finally {
    await running.stop();
  }
}

function report(results: Results, file: string): number {
  console.log(`\n${figuresTable(results)}`);
  console.log(
    `\nRatios of the work per CPU-second of the nodes:\n\n${comparisonsTable(results, "per_cpu_second")}`,
  );
  console.log(
    `\nRatios of the work per CPU-second of the nodes and their Redis:\n\n${comparisonsTable(results, "per_cpu_second_with_engine")}`,
  );
  console.log("\nEach is the median of the ratios round by round (lowest–highest): 0.5 is twice the cost.");
  const wrong = tellProblems(results);
  writeResults(file, results, { "": nodesChart(results) });
  return wrong.some(({ peer }) => peer.startsWith("wireyard")) ? 1 : 0;
}
