import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Failure } from "./failure.ts";
import { Progress } from "./progress.ts";
import { describeRun, writeReport } from "./report.ts";
import { type Result, runScenario } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";
import { endWithSignals } from "./server.ts";

const HELP = `pnpm soak [options]

Holds the server to what docs/reliability.md promises, for as long as asked. Each scenario runs against a real
server process. The report goes into docs/reliability.md, all figures into soak/.state/.

  --minutes N     the time for all scenarios together (default: as long as their amounts take)
  --only NAME     a scenario, or the start of its name; repeatable; the report is printed, not kept
  --amount N      so many of each instead of the release's amount
  --seed N        the seed of a run that is to be repeated
  --from N        begins with the N-th of each, which a finding tells
  --resume        goes on with the run that was interrupted
  --list          the scenarios by name
  --help`;

const STATE = path.resolve(import.meta.dirname, "../.state");
const FILE = path.join(STATE, "run.json");

/** A run as far as it is. */
interface State {
  readonly command: string;
  readonly date: string;
  readonly seed: number;
  readonly minutes: number | undefined;
  readonly amount: number | undefined;
  readonly from: number;
  readonly only: readonly string[];
  readonly results: Result[];
  /** The scenario that was at work, and how many it had done. */
  current?: { readonly name: string; readonly done: number };
}

endWithSignals();
try {
  process.exitCode = await main();
} catch (error) {
  const text =
    error instanceof Failure ? error.message : error instanceof Error ? error.stack : String(error);
  console.error(`soak: ${text}`);
  process.exit(error instanceof Failure ? error.exitCode : 1);
}
// Whatever a scenario left behind does not keep the program.
process.exit();

async function main(): Promise<number> {
  const options = parseOptions();
  if (options.help || options.list) {
    const list = SCENARIOS.map(({ name, amount, unit, title }) => `${name}: ${amount} ${unit}\n    ${title}`);
    console.log(options.help ? HELP : list.join("\n"));
    return 0;
  }
  if (process.platform !== "linux")
    throw new Failure(`this needs Linux (/proc); here is ${process.platform}`);
  const state = options.resume ? load() : create(options);
  const chosen = select(state.only);
  for (const [index, scenario] of chosen.entries()) {
    if (state.results.some(({ name }) => name === scenario.name)) continue;
    const left = chosen.length - index;
    const spentMs = state.results.reduce((sum, { seconds }) => sum + seconds * 1_000, 0);
    const forMs = state.minutes === undefined ? Infinity : (state.minutes * 60_000 - spentMs) / left;
    const progress = new Progress(scenario, `${index + 1}/${chosen.length}`);
    const done = state.current?.name === scenario.name ? state.current.done : state.from;
    const result = await runScenario(scenario, {
      seed: state.seed,
      amount: state.amount === undefined ? scenario.amount : state.from + state.amount,
      done,
      forMs,
      tell(doneNow, part) {
        progress.show(doneNow, part);
        state.current = { name: scenario.name, done: doneNow };
        save(state);
      },
    });
    progress.end(result);
    state.results.push(result);
    save(state);
  }
  return report(state);
}

function report(state: State): number {
  const run = describeRun(state);
  console.log(run);
  if (state.only.length === 0 && state.amount === undefined && state.from === 0)
    console.log(`written: ${writeReport(run)}`);
  return state.results.some(({ findings }) => findings > 0) ? 1 : 0;
}

function select(only: readonly string[]): readonly Scenario[] {
  for (const start of only) {
    if (!SCENARIOS.some(({ name }) => name.startsWith(start)))
      throw new Failure(`--only ${start}: no such scenario; --list shows them`, 2);
  }
  const isChosen = ({ name }: Scenario): boolean =>
    only.length === 0 ||
    only.some((start) =>
      SCENARIOS.some((one) => one.name === start) ? name === start : name.startsWith(start),
    );
  return SCENARIOS.filter(isChosen);
}

function create(options: ReturnType<typeof parseOptions>): State {
  const number = (name: "minutes" | "amount" | "seed" | "from"): number | undefined => {
    const given = options[name];
    if (given === undefined) return undefined;
    if (!/^(?:0|[1-9]\d*)(?:\.\d+)?$/.test(given))
      throw new Failure(`--${name} ${given}: it must be a number`, 2);
    return Number(given);
  };
  return {
    command: ["pnpm soak", ...process.argv.slice(2)].join(" "),
    date: new Date().toISOString(),
    seed: number("seed") ?? Math.floor(Math.random() * 2 ** 31),
    minutes: number("minutes"),
    amount: number("amount"),
    from: number("from") ?? 0,
    only: options.only,
    results: [],
  };
}

function load(): State {
  try {
    return JSON.parse(readFileSync(FILE, "utf8"));
  } catch {
    throw new Failure("--resume: there is no run to go on with", 2);
  }
}

function save(state: State): void {
  mkdirSync(STATE, { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(state, null, 1)}\n`);
}

function parseOptions() {
  try {
    return parseArgs({
      options: {
        minutes: { type: "string" },
        only: { type: "string", multiple: true, default: [] },
        amount: { type: "string" },
        seed: { type: "string" },
        from: { type: "string" },
        resume: { type: "boolean", default: false },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new Failure(`${(error as Error).message.split("\n")[0]} --help shows the options`, 2);
  }
}
