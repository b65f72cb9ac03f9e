import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { BENCH, build } from "./build.ts";
import { exitWith, Failure } from "./failure.ts";
import { allPeers } from "./peers/index.ts";
import { measure, type Timing } from "./run.ts";
import { SCENARIOS } from "./scenarios.ts";
import type { Spread } from "./statistics.ts";
import { markdown, ratioOf } from "./table.ts";

const HELP = `pnpm bench:guard [--update]

Fails where the work per CPU-second, as a ratio to the yardstick of the same round, has fallen
by a quarter or more below the one in bench/guard.json. Never an absolute time: those are the
machine's. --update measures longer and writes the ratios there.`;

const FILE = path.join(BENCH, "guard.json");

/** What part of a stored ratio must be reached, and how often that may be tried. */
export const GUARD_BOUND = 0.75;
export const ATTEMPTS = 3;

const WATCHED = [
  "relay-1x100",
  "relay-1x10-others",
  "relay-100x10",
  "comma-d16",
  "varint-d16",
  "json-d16",
] as const;

const CHECK: Timing = { rounds: 5, seconds: 0.3, firstWarm: 0.8, warm: 0.1, quiet: 0.05 };
const UPDATE: Timing = { rounds: 9, seconds: 0.5, firstWarm: 1.5, warm: 0.2, quiet: 0.05 };

/** Whether a ratio is a loss of a quarter or more. */
export function isLoss(ratio: number, stored: number): boolean {
  return !(ratio >= GUARD_BOUND * stored);
}

/** Measures until a median is no loss, at most {@link ATTEMPTS} times. @returns the best */
export async function bestOf(stored: number, ratio: () => Promise<Spread>): Promise<Spread> {
  let best = await ratio();
  for (let attempt = 1; attempt < ATTEMPTS && isLoss(best.median, stored); attempt++) {
    const next = await ratio();
    if (next.median > best.median) best = next;
  }
  return best;
}

async function main(args: readonly string[]): Promise<number> {
  const isUpdate = args[0] === "--update";
  if (args.length > 1 || (args.length === 1 && !isUpdate)) {
    console.log(HELP);
    return args[0] === "--help" ? 0 : 2;
  }
  const programs = build();
  const peers = allPeers({ isBuilt: false }).filter(({ name }) => name === "wireyard" || name === "limit");
  const timing = isUpdate ? UPDATE : CHECK;
  const ratio = async (id: string): Promise<Spread> => {
    const scenario = SCENARIOS.find((one) => one.id === id);
    if (!scenario) throw new Failure(`${id} is no scenario`);
    const measured = await measure(scenario, peers, { programs, timing });
    const problem = Object.values(measured.peers).flatMap((figures) => figures.problems)[0];
    const found = ratioOf(measured, "limit", "per_cpu_second");
    if (problem !== undefined || !found) throw new Failure(`${id}: ${problem ?? "there are no figures"}`);
    return found;
  };
  return isUpdate ? update(ratio) : check(ratio);
}

async function update(ratio: (id: string) => Promise<Spread>): Promise<number> {
  const found: [string, number][] = [];
  for (const id of WATCHED) found.push([id, Number((await ratio(id)).median.toFixed(3))]);
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(found), null, 2)}\n`);
  console.log(readFileSync(FILE, "utf8"));
  return 0;
}

async function check(ratio: (id: string) => Promise<Spread>): Promise<number> {
  const stored: Record<string, number> = JSON.parse(readFileSync(FILE, "utf8"));
  const rows = [["scenario", "ratio to the yardstick", "stored", `at least ${GUARD_BOUND} of it`, ""]];
  let losses = 0;
  for (const [id, expected] of Object.entries(stored)) {
    const best = await bestOf(expected, () => ratio(id));
    const isLost = isLoss(best.median, expected);
    if (isLost) losses++;
    const figures = [best.median.toFixed(3), expected.toFixed(3), (GUARD_BOUND * expected).toFixed(3)];
    rows.push([id, ...figures, isLost ? `LOST, in each of ${ATTEMPTS} attempts` : "kept"]);
  }
  console.log(markdown(rows));
  console.log(
    losses === 0
      ? "nothing lost"
      : `${losses} lost a quarter or more; if that is meant: pnpm bench:guard --update`,
  );
  return losses === 0 ? 0 : 1;
}

if (import.meta.main) {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error) => exitWith("bench:guard", error),
  );
}
