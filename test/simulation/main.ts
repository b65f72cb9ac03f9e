import { parseArgs } from "node:util";
import { type Run, simulate } from "./run.ts";

const HELP = `pnpm simulate [--steps N] [--seed N] [--runs N] [--log N]

Hubs, links and a model of the engine in one process, under virtual time and one seed; what must
hold is checked after every step. A run that fails prints its seed, which replays it exactly.

  --steps N   steps of each run (default 100000)
  --seed N    the first seed (default: by the clock)
  --runs N    runs, each with the next seed (default 1)
  --log N     lines of the log of a run that fails (default 50)
  --help`;

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "100000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    log: { type: "string", default: "50" },
    runs: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const [steps, firstSeed, runs, logLines] = [values.steps, values.seed, values.runs, values.log].map(
    Number,
  ) as [number, number, number, number];
  if (![steps, firstSeed, runs, logLines].every((value) => Number.isInteger(value) && value >= 0)) {
    console.error("simulate: --steps, --seed, --runs and --log are whole numbers");
    return 2;
  }
  for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
    const from = performance.now();
    const run = await simulate({ seed, steps, logLines });
    const seconds = ((performance.now() - from) / 1_000).toFixed(1);
    if (run.violation !== undefined) {
      console.log(failure(run, steps));
      return 1;
    }
    const { ms, clients, messages, rests } = run;
    const what = `${clients} clients, ${messages} messages heard, ${rests} times at rest`;
    console.log(
      `seed ${seed}: ${run.steps} steps, ${Math.round(ms / 1_000)} virtual s, ${what}; ${seconds} s`,
    );
  }
  return 0;
}

function failure({ seed, steps, violation, log }: Run, wanted: number): string {
  const replay = `pnpm simulate --seed ${seed} --steps ${wanted}`;
  return [...log, "", `${violation?.message}`, `at step ${steps}; again: ${replay}`].join("\n");
}
