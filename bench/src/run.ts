import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import path from "node:path";
import type { Programs } from "./build.ts";
import { describeCommit } from "./commit.ts";
import { Failure } from "./failure.ts";
import { type LoadResult, type Measure, runLoad } from "./load.ts";
import type { Peer } from "./peers/peer.ts";
import { isPinned, type Running } from "./processes.ts";
import type { PeerName, Scenario } from "./scenarios.ts";
import { loadArguments, TALKS } from "./talks.ts";

/** How long and how often. Seconds. */
export interface Timing {
  readonly rounds: number;
  readonly seconds: number;
  /** Under load before that: in the first round, in which servers on Node are still compiling, and in later ones. */
  readonly firstWarm: number;
  readonly warm: number;
  readonly quiet: number;
}

/** What one peer did in one scenario. */
export interface Figures {
  /** `null` for a round that failed or in which anything was missing or bad: that is an error, not a figure. */
  readonly rounds: (LoadResult | null)[];
  readonly problems: string[];
  /** It does not serve this: no error, and no figure. */
  isNotServed?: boolean;
}

export interface Measured {
  readonly id: string;
  readonly title: string;
  readonly peers: Partial<Record<PeerName, Figures>>;
}

/** Everything that a run found out, as it is written to `bench/results/`. */
export interface Results {
  readonly date: string;
  readonly command: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly timing: Timing;
  readonly versions: Readonly<Record<string, string>>;
  readonly leftOut: Readonly<Record<string, string>>;
  readonly scenarios: Measured[];
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly isPinned: boolean;
}

export function describeMachine(): Machine {
  const cores = cpus();
  return {
    processor: cores[0]?.model ?? "unknown",
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `Linux ${release()}`,
    isPinned,
  };
}

/**
 * Measures one scenario. All peers run at once and wait but for the one under load; within a round they take turns, and
 * every round begins with another, so that what the machine does meanwhile falls on all alike.
 */
export async function measure(
  scenario: Scenario,
  peers: readonly Peer[],
  { programs, timing }: { programs: Programs; timing: Timing },
): Promise<Measured> {
  const asked = peers.filter(({ name }) => scenario.talks[name as PeerName] !== undefined);
  const figures = new Map<Peer, Figures>(asked.map((peer) => [peer, { rounds: [], problems: [] }]));
  const running = new Map<Peer, Running>();
  // What waiting connections cost shows in a fresh process alone.
  const isFreshEachTime = scenario.kind === "idle";

  const tell = (peer: Peer, error: unknown): void => {
    if (!(error instanceof Failure)) throw error;
    figures.get(peer)?.problems.push(error.message);
  };
  const start = async (peer: Peer): Promise<void> => {
    try {
      running.set(peer, await peer.start(programs));
    } catch (error) {
      tell(peer, error);
    }
  };
  const stop = async (peer: Peer): Promise<void> => {
    await running.get(peer)?.stop();
    running.delete(peer);
  };
  const load = async (peer: Peer, round: number): Promise<void> => {
    const its = figures.get(peer) as Figures;
    const server = running.get(peer);
    const talk = TALKS[scenario.talks[peer.name as PeerName] as keyof typeof TALKS];
    its.isNotServed = server !== undefined && server.ports[talk.port] === undefined;
    if (!server || its.isNotServed) {
      its.rounds.push(null);
      return;
    }
    const { seconds, quiet } = timing;
    const warm = round === 0 ? timing.firstWarm : timing.warm;
    const times = [`seconds=${seconds}`, `warm=${warm}`, `quiet=${quiet}`];
    const nodes = [server, ...(server.others ?? [])];
    const processes = nodes.map(({ pid }) => `pid=${pid}`);
    if (server.engine) processes.push(`engine-pid=${server.engine.pid}`);
    const args = [...loadArguments(talk, nodes, scenario), ...processes, ...times];
    try {
      its.rounds.push(await runLoad(programs.load, args));
    } catch (error) {
      its.rounds.push(null);
      tell(peer, error);
    }
  };

  try {
    if (!isFreshEachTime) await Promise.all(asked.map(start));
    for (let round = 0; round < timing.rounds; round++) {
      for (let turn = 0; turn < asked.length; turn++) {
        const peer = asked[(round + turn) % asked.length] as Peer;
        if (isFreshEachTime) await start(peer);
        await load(peer, round);
        if (isFreshEachTime) await stop(peer);
      }
    }
  } finally {
    await Promise.all(asked.map(stop));
  }
  const byName = asked.map((peer) => [peer.name, figures.get(peer)]);
  return { id: scenario.id, title: scenario.title, peers: Object.fromEntries(byName) };
}

/** Measures scenario after scenario with the peers that are here, and says which are not. */
export async function measureAll(
  name: string,
  scenarios: readonly Scenario[],
  peers: readonly Peer[],
  { programs, timing, leftOut }: { programs: Programs; timing: Timing; leftOut: Results["leftOut"] },
): Promise<Results> {
  const present = peers.filter((peer) => peer.missing() === undefined);
  const absent = peers.flatMap((peer) => (peer.missing() ? [[peer.name, peer.missing()]] : []));
  const missing: Record<string, string> = { ...Object.fromEntries(absent), ...leftOut };
  for (const [peer, reason] of Object.entries(missing)) console.log(`left out: ${peer}: ${reason}`);
  if (!isPinned) console.log("not pinned to cores (taskset or a second core is missing): expect noise");
  const measured: Measured[] = [];
  const results: Results = {
    date: new Date().toISOString(),
    // Folders are this machine's own.
    command: [name, ...process.argv.slice(2).map((arg) => path.basename(arg))].join(" "),
    commit: describeCommit(),
    machine: describeMachine(),
    timing,
    versions: Object.fromEntries(present.map((peer) => [peer.name, peer.version()])),
    leftOut: missing,
    scenarios: measured,
  };
  for (const [index, scenario] of scenarios.entries()) {
    const from = performance.now();
    measured.push(await measure(scenario, present, { programs, timing }));
    const seconds = ((performance.now() - from) / 1000).toFixed(1);
    console.error(`${index + 1}/${scenarios.length} ${scenario.id} ${seconds} s`);
  }
  return results;
}

/**
 * Writes results as JSON, and charts beside it: SVG by the ending of its name; an empty one is not written.
 *
 * @param file without an ending
 */
export function writeResults(file: string, results: Results, charts: Readonly<Record<string, string>>): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(`${file}.json`, `${JSON.stringify(results, null, 1)}\n`);
  const drawn = Object.entries(charts).filter(([, chart]) => chart !== "");
  for (const [ending, chart] of drawn) writeFileSync(`${file}${ending}.svg`, chart);
  const names = [".json", ...drawn.map(([ending]) => `${ending}.svg`)];
  console.log(`Written: ${path.relative(process.cwd(), file)}${names.join(", ")}`);
}

/** The figure of each round, `undefined` of one that failed. */
export function figuresOf(measured: Measured, peer: PeerName, what: Measure): (number | undefined)[] {
  return measured.peers[peer]?.rounds.map((round) => round?.[what]) ?? [];
}
