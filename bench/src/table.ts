import { boundText, GOALS, type Goal, GROWTH_BOUND, growthSteps, meets } from "./goals.ts";
import type { Measure } from "./load.ts";
import { figuresOf, type Measured, type Results } from "./run.ts";
import { type GrowthLine, type PeerName, SCENARIOS } from "./scenarios.ts";
import { median, ratios, type Spread, short, spread } from "./statistics.ts";

const COLUMNS: readonly PeerName[] = [
  "limit",
  "redis",
  "nats",
  "mosquitto",
  "ws",
  "socket.io",
  "aedes",
  "minecraft-protocol",
];

const UNITS: Record<Measure, string> = {
  per_cpu_second: "/CPU-s",
  per_cpu_second_with_engine: "/CPU-s",
  p50_us: "µs",
  p95_us: "µs",
  bytes_per_connection: "B",
};

/** Our figures divided by a peer's, round by round; `undefined` where one of them has none. */
export function ratioOf(measured: Measured, peer: PeerName, what: Measure): Spread | undefined {
  const all = ratios(figuresOf(measured, "wireyard", what), figuresOf(measured, peer, what));
  return all.length === 0 ? undefined : spread(all);
}

/** The goals as a Markdown table: each with its bounds and its scenarios that were run. Empty where none was. */
export function goalsTable(results: Results): string {
  const rows: string[][] = [["", "Wireyard", ...COLUMNS]];
  for (const goal of GOALS) {
    const run = goal.scenarios.flatMap((id) => results.scenarios.find((one) => one.id === id) ?? []);
    if (run.length === 0) continue;
    const bounds = COLUMNS.map((peer) => (goal.against[peer] ? boundText(goal.against[peer]) : ""));
    rows.push([`**${goal.row}**`, goal.ourselves ? boundText(goal.ourselves) : "", ...bounds]);
    for (const measured of run) {
      rows.push([
        measured.title,
        ownCell(measured, goal),
        ...COLUMNS.map((peer) => cell(measured, goal, peer)),
      ]);
    }
  }
  return rows.length === 1 ? "" : markdown(rows);
}

function ownCell(measured: Measured, { measure, ourselves }: Goal): string {
  if (measured.peers.wireyard?.isNotServed) return "not served yet";
  const value = median(figuresOf(measured, "wireyard", measure));
  if (Number.isNaN(value)) return "error";
  const mark = ourselves ? ` ${meets(value, ourselves) ? "✓" : "✗"}` : "";
  return `${short(value)} ${UNITS[measure]}${mark}`;
}

function cell(measured: Measured, { measure, against }: Goal, peer: PeerName): string {
  const its = measured.peers[peer];
  if (!its) return "";
  const ratio = ratioOf(measured, peer, measure);
  if (!ratio) return its.problems.length > 0 ? "error" : "";
  const bound = against[peer];
  const mark = bound ? ` ${meets(ratio.median, bound) ? "✓" : "✗"}` : "";
  const failed = its.problems.length > 0 ? ` (${its.problems.length} failed)` : "";
  return `${short(ratio.median)} (${short(ratio.min)}–${short(ratio.max)})${mark}${failed}`;
}

/** How many comparisons with a goal were met, and the titles of those that were not. */
export function verdicts(results: Results): { met: number; unmet: string[] } {
  let met = 0;
  const unmet: string[] = [];
  for (const goal of GOALS) {
    for (const measured of results.scenarios.filter(({ id }) => goal.scenarios.includes(id))) {
      const judge = (name: string, value: number, bound: Parameters<typeof meets>[1]): void => {
        if (meets(value, bound)) met++;
        else unmet.push(`${goal.row}: ${measured.title}, ${name} ${short(value)}, goal ${boundText(bound)}`);
      };
      for (const [peer, bound] of Object.entries(goal.against)) {
        const ratio = ratioOf(measured, peer as PeerName, goal.measure);
        if (ratio) judge(peer, ratio.median, bound);
      }
      const own = median(figuresOf(measured, "wireyard", goal.measure));
      if (goal.ourselves && !Number.isNaN(own)) judge("itself", own, goal.ourselves);
    }
  }
  for (const line of Object.keys(GROWTH_TITLES) as GrowthLine[]) {
    for (const { step, ofBest } of growthOf(results, line).slice(1)) {
      if (ofBest >= GROWTH_BOUND) met++;
      else
        unmet.push(
          `growth, ${GROWTH_TITLES[line]}: at ${step} ${short(ofBest)} of the best before, goal ≥ ${GROWTH_BOUND}`,
        );
    }
  }
  return { met, unmet };
}

/** One step of a growth line. */
export interface GrowthStep {
  readonly step: number;
  /** Microseconds of CPU time for each delivery. */
  readonly ours: number;
  readonly limit: number;
  /** The ratio to the yardstick, and what part of the best earlier step's that is. */
  readonly ratio: number;
  readonly ofBest: number;
}

/** The steps that were run of a growth line, smallest first. */
export function growthOf(results: Results, line: GrowthLine): GrowthStep[] {
  const steps: GrowthStep[] = [];
  for (const id of growthSteps(line)) {
    const measured = results.scenarios.find((one) => one.id === id);
    const ratio = measured && ratioOf(measured, "limit", "per_cpu_second");
    if (!measured || !ratio) continue;
    const cost = (peer: PeerName): number => 1e6 / median(figuresOf(measured, peer, "per_cpu_second"));
    const best = Math.max(ratio.median, ...steps.map((step) => step.ratio));
    steps.push({
      step: SCENARIOS.find((one) => one.id === id)?.growth?.step ?? 0,
      ours: cost("wireyard"),
      limit: cost("limit"),
      ratio: ratio.median,
      ofBest: ratio.median / best,
    });
  }
  return steps;
}

/** Each growth line in words. */
export const GROWTH_TITLES: Record<GrowthLine, string> = {
  members: "members of one room, W 16",
  rooms: "rooms of two, W 2",
  idle: "idle connections beside a room of ten, W 16",
};

/** The growth lines as a Markdown table; empty where none was run. */
export function growthTable(results: Results): string {
  const rows = [
    ["with rising", "step", "Wireyard µs", "limit µs", "ratio", `of the best before (≥ ${GROWTH_BOUND})`],
  ];
  for (const line of Object.keys(GROWTH_TITLES) as GrowthLine[]) {
    for (const { step, ours, limit, ratio, ofBest } of growthOf(results, line)) {
      const mark = ofBest >= GROWTH_BOUND ? "✓" : "✗";
      const costs = [ours.toFixed(3), limit.toFixed(3), short(ratio), `${short(ofBest)} ${mark}`];
      rows.push([GROWTH_TITLES[line], String(step), ...costs]);
    }
  }
  return rows.length === 1 ? "" : markdown(rows);
}

/** What went wrong, a line each: by whose fault, in which scenario, what. */
export function problems(results: Results): { peer: PeerName; line: string }[] {
  return results.scenarios.flatMap(({ id, peers }) =>
    Object.entries(peers).flatMap(([name, its]) => {
      const peer = name as PeerName;
      return its.problems.map((problem) => ({ peer, line: `${id}, ${peer}: ${problem}` }));
    }),
  );
}

/** Prints what went wrong, and gives it. */
export function tellProblems(results: Results): ReturnType<typeof problems> {
  const wrong = problems(results);
  console.log(`Rounds that failed (anything missing or bad): ${wrong.length}`);
  for (const { line } of wrong) console.log(`  ${line}`);
  return wrong;
}

/** A Markdown table, padded so that it reads well on a terminal too. Columns with nothing below their head are left out. */
export function markdown(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const used = head.map((_, column) => column).filter((column) => body.some((row) => row[column]));
  const widths = used.map((column) => Math.max(3, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    `| ${used.map((column, at) => (row[column] ?? "").padEnd(widths[at] as number)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(head), rule, ...body.map(line)].join("\n");
}
