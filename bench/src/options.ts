import path from "node:path";
import { parseArgs } from "node:util";
import { BENCH, BUILD } from "./build.ts";
import { Failure } from "./failure.ts";
import type { Peer } from "./peers/peer.ts";
import type { Timing } from "./run.ts";
import type { Scenario } from "./scenarios.ts";

/** The help on the options of every command that measures. */
export const OPTIONS_HELP = `  --only NAME       a scenario, the start of its name, or a peer; repeatable; kept in bench/.build/
  --rounds N        rounds (default 5, quick 3)
  --secs S          seconds measured in each (default 1, quick 0.3)
  --built           Wireyard from apps/server/dist (pnpm build) instead of from its sources
  --out NAME        name of the files in bench/results/`;

/** What the command line asks for. */
export interface Options {
  readonly quick: boolean;
  readonly only: readonly string[];
  readonly built: boolean;
  readonly list: boolean;
  /** Another clone of Wireyard, to measure this one beside it and nothing else. */
  readonly against: string | undefined;
  readonly help: boolean;
  readonly timing: Timing;
  /** Where the results go, without an ending. */
  readonly file: string;
}

/**
 * Reads the command line.
 *
 * @param prefix of the names of files that are given none
 * @throws {Failure} with exit code 2
 */
export function readOptions(prefix = ""): Options {
  const { rounds, secs, out, against, ...values } = parseOptions();
  const { quick, only } = values;
  const timing: Timing = {
    rounds: positive("--rounds", rounds, quick ? 3 : 5),
    seconds: positive("--secs", secs, quick ? 0.3 : 1),
    firstWarm: quick ? 0.7 : 1.5,
    warm: quick ? 0.1 : 0.3,
    quiet: quick ? 0.05 : 0.2,
  };
  if (!Number.isInteger(timing.rounds)) throw new Failure(`--rounds ${rounds}: it must be a whole number`, 2);
  // What was not measured in full is no result to keep, unless it is given a name.
  const isKept = out !== undefined || (!quick && only.length === 0 && against === undefined);
  const name = out ?? `${prefix}${new Date().toISOString().slice(0, 10)}`;
  const file = isKept ? path.join(BENCH, "results", name) : path.join(BUILD, `${prefix}last`);
  return { ...values, against, timing, file };
}

/**
 * Scenarios by name or by the start of it, peers by name.
 *
 * @param always peers that are measured beside any others
 * @throws {Failure} with exit code 2 where a name is none
 */
export function select(
  { only, quick }: Pick<Options, "only" | "quick">,
  known: { scenarios: readonly Scenario[]; peers: readonly Peer[] },
  always: readonly string[],
): { scenarios: readonly Scenario[]; peers: readonly Peer[] } {
  const named = new Set(only.filter((name) => known.peers.some((peer) => peer.name === name)));
  const starts = only.filter((name) => !named.has(name));
  const chosen = starts.flatMap((start) => {
    const exact = known.scenarios.filter(({ id }) => id === start);
    const found = exact.length > 0 ? exact : known.scenarios.filter(({ id }) => id.startsWith(start));
    if (found.length === 0)
      throw new Failure(`--only ${start}: no such scenario or peer; --list shows them`, 2);
    return found;
  });
  const scenarios = known.scenarios.filter(
    (scenario) => (starts.length === 0 || chosen.includes(scenario)) && (!quick || scenario.isQuick),
  );
  const peers = known.peers.filter(
    ({ name }) => named.size === 0 || always.includes(name) || named.has(name),
  );
  return { scenarios, peers };
}

/** What there is to name, a line each. */
export function listOf(scenarios: readonly Scenario[], peers: readonly Peer[]): string {
  const lines = scenarios.map(
    ({ id, title, isQuick }) => `${id.padEnd(24)} ${title}${isQuick ? "  (quick)" : ""}`,
  );
  return [
    ...lines,
    "",
    ...peers.map((peer) => `${peer.name.padEnd(24)} ${peer.missing() ?? peer.version()}`),
  ].join("\n");
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
        against: { type: "string" },
        out: { type: "string" },
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    throw new Failure(`${(error as Error).message.split("\n")[0]} --help shows the options`, 2);
  }
}

function positive(name: string, given: string | undefined, byDefault: number): number {
  const value = given === undefined ? byDefault : Number(given);
  if (!(value > 0 && value < 1000)) throw new Failure(`${name} ${given}: it must be a number above 0`, 2);
  return value;
}
