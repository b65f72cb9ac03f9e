import { GOALS } from "./goals.ts";
import type { Measure } from "./load.ts";
import type { Peer } from "./peers/peer.ts";
import { wireyard } from "./peers/wireyard.ts";
import type { Results } from "./run.ts";
import type { Scenario } from "./scenarios.ts";
import { geometricMean, type Spread, short } from "./statistics.ts";
import { markdown, ratioOf } from "./table.ts";

/** Below what part of the other clone's figure one is worth a look. */
const LOOK_BELOW = 0.95;

/** This clone and another, and nobody else. */
export function clones(folder: string, isBuilt: boolean): readonly Peer[] {
  return [wireyard(isBuilt), wireyard(isBuilt, {}, { folder, name: "other" })];
}

/** What is asked of Wireyard, asked of both. */
export function ofBoth(scenarios: readonly Scenario[]): readonly Scenario[] {
  return scenarios.flatMap((scenario) => {
    const { wireyard: talk } = scenario.talks;
    return talk === undefined ? [] : [{ ...scenario, talks: { wireyard: talk, other: talk } }];
  });
}

interface Row {
  readonly id: string;
  readonly measure: Measure;
  /** What this clone does of the other's work, or takes of its time or memory. */
  readonly ratio: Spread;
  /** The same so that more is better. */
  readonly kept: number;
}

/** A row for each scenario, the worst first, and the mean of all. Empty where nothing was measured. */
export function againstTable(results: Results): string {
  const rows = rowsOf(results);
  if (rows.length === 0) return "";
  const cells = rows
    .toSorted((a, b) => a.kept - b.kept)
    .map(({ id, measure, ratio, kept }) => {
      const range = `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`;
      return [id, measure, ratio.median.toFixed(3), range, kept < LOOK_BELOW ? "worse" : ""];
    });
  const mean = geometricMean(rows.map(({ kept }) => kept));
  const worse = rows.filter(({ kept }) => kept < LOOK_BELOW).length;
  return [
    markdown([["", "measure", "this / other", "rounds", `below ${LOOK_BELOW}`], ...cells]),
    `Work per CPU-second, and one divided by time or memory: geometric mean ${short(mean)} of the other's; ${worse} of ${rows.length} below ${LOOK_BELOW}.`,
  ].join("\n\n");
}

function rowsOf({ scenarios }: Results): Row[] {
  return scenarios.flatMap((measured) => {
    const goals = GOALS.filter(({ scenarios }) => scenarios.includes(measured.id));
    const measures = new Set<Measure>(goals.map(({ measure }) => measure));
    // The steps of the growth lines have no goal of their own.
    if (measures.size === 0) measures.add("per_cpu_second");
    return [...measures].flatMap((measure) => {
      const ratio = ratioOf(measured, "other", measure);
      if (ratio === undefined) return [];
      const kept = measure.startsWith("per_cpu_second") ? ratio.median : 1 / ratio.median;
      return [{ id: measured.id, measure, ratio, kept }];
    });
  });
}
