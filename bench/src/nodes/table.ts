import type { Measure } from "../load.ts";
import { figuresOf, type Measured, type Results } from "../run.ts";
import type { NodesName } from "../scenarios.ts";
import { median, ratios, type Spread, short, spread } from "../statistics.ts";
import { markdown } from "../table.ts";

/** Each server in words. */
export const NODES_TITLES: Readonly<Record<NodesName, string>> = {
  "wireyard-1": "Wireyard, 1 node",
  "wireyard-2": "Wireyard, 2 nodes",
  "wireyard-4": "Wireyard, 4 nodes",
  "socket.io-1": "socket.io, 1 node",
  "socket.io-2": "socket.io, 2 nodes, redis-adapter",
  "socket.io-2-streams": "socket.io, 2 nodes, redis-streams-adapter",
};

const NAMES = Object.keys(NODES_TITLES) as NodesName[];

/** What is divided by what: the first one's work per CPU-second by the second one's, of the same round. */
export const COMPARISONS: readonly (readonly [title: string, ours: NodesName, theirs: NodesName])[] = [
  ["Wireyard 2 / 1", "wireyard-2", "wireyard-1"],
  ["Wireyard 4 / 1", "wireyard-4", "wireyard-1"],
  ["Wireyard 4 / 2", "wireyard-4", "wireyard-2"],
  ["socket.io 2 / 1", "socket.io-2", "socket.io-1"],
  ["Wireyard 2 / socket.io 2", "wireyard-2", "socket.io-2"],
  ["Wireyard 2 / socket.io 2, streams", "wireyard-2", "socket.io-2-streams"],
];

/** Microseconds of CPU time for each delivery. */
export interface Cost {
  readonly nodes: number;
  readonly engine: number;
}

/** What a delivery costs all nodes together, and what it costs their engine; `undefined` without a clean round. */
export function costOf(measured: Measured, name: NodesName): Cost | undefined {
  const nodes = figuresOf(measured, name, "per_cpu_second").map(microseconds);
  const all = figuresOf(measured, name, "per_cpu_second_with_engine").map(microseconds);
  const engine = all.map((value, round) => value && value - (nodes[round] as number));
  const cost = { nodes: median(nodes), engine: median(engine) };
  return Number.isNaN(cost.nodes) ? undefined : cost;
}

function microseconds(perSecond: number | undefined): number | undefined {
  return perSecond && 1e6 / perSecond;
}

/** Those that were asked in a scenario, in their order. */
export function askedIn(measured: Measured): NodesName[] {
  return NAMES.filter((name) => measured.peers[name] !== undefined);
}

/** Every figure as a Markdown table: medians with the range of the rounds. */
export function figuresTable(results: Results): string {
  const rows = [["", "deliveries/CPU-s of the nodes", "with Redis", "µs: nodes", "Redis"]];
  for (const measured of results.scenarios) {
    rows.push([`**${measured.title}** (${measured.id})`]);
    for (const name of askedIn(measured)) {
      const cost = costOf(measured, name);
      const failed = measured.peers[name]?.problems.length ?? 0;
      rows.push([
        NODES_TITLES[name] + (failed > 0 ? ` (${failed} failed)` : ""),
        figure(measured, name, "per_cpu_second"),
        figure(measured, name, "per_cpu_second_with_engine"),
        ...(cost ? [short(cost.nodes), short(cost.engine)] : []),
      ]);
    }
  }
  return markdown(rows);
}

function figure(measured: Measured, name: NodesName, what: Measure): string {
  const clean = figuresOf(measured, name, what).filter((value) => value !== undefined);
  return clean.length === 0 ? "error" : withRange(spread(clean));
}

/** Every comparison as a Markdown table, by the work of the nodes alone or with their engine's. */
export function comparisonsTable(results: Results, what: Measure): string {
  const rows = [["", ...COMPARISONS.map(([title]) => title)]];
  for (const measured of results.scenarios) {
    const cells = COMPARISONS.map(([, ours, theirs]) => {
      const ratio = comparison(measured, ours, theirs, what);
      return ratio ? withRange(ratio) : "";
    });
    rows.push([measured.title, ...cells]);
  }
  return markdown(rows);
}

/** One server's figures divided by another's, round by round; `undefined` where one of them has none. */
export function comparison(
  measured: Measured,
  ours: NodesName,
  theirs: NodesName,
  what: Measure,
): Spread | undefined {
  const all = ratios(figuresOf(measured, ours, what), figuresOf(measured, theirs, what));
  return all.length === 0 ? undefined : spread(all);
}

function withRange({ median: middle, min, max }: Spread): string {
  return `${short(middle)} (${short(min)}–${short(max)})`;
}
