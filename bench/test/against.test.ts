import { describe, expect, it } from "vitest";
import { againstTable, ofBoth } from "../src/against.ts";
import type { Results } from "../src/run.ts";
import { relay } from "../src/scenarios.ts";
import { result, someResults } from "./results.ts";

function measured(id: string, figures: [ours: number, others: number][], what: "work" | "p50_us" = "work") {
  const rounds = (at: 0 | 1) => ({
    rounds: figures.map((pair) =>
      what === "work" ? result(pair[at]) : { ...result(1), p50_us: pair[at], p95_us: pair[at] },
    ),
    problems: [],
  });
  return { id, title: id, peers: { wireyard: rounds(0), other: rounds(1) } };
}

function results(...scenarios: ReturnType<typeof measured>[]): Results {
  return { ...someResults(), scenarios };
}

describe("this clone beside another", () => {
  it("has the worst first, each with the median of its rounds and their range", () => {
    const table = againstTable(
      results(
        measured("relay-1x10", [
          [110, 100],
          [99, 100],
          [105, 100],
        ]),
        measured("relay-1x100", [[90, 100]]),
      ),
    );
    const [, , ...rows] = table.split("\n\n")[0]?.split("\n") ?? [];
    expect(
      rows.map((row) =>
        row
          .split("|")
          .map((cell) => cell.trim())
          .slice(1, -1),
      ),
    ).toEqual([
      ["relay-1x100", "per_cpu_second", "0.900", "0.90–0.90", "worse"],
      ["relay-1x10", "per_cpu_second", "1.050", "0.99–1.10", ""],
    ]);
  });

  it("takes more time for worse, and the mean of ratios", () => {
    const table = againstTable(
      results(measured("relay-1x10", [[200, 100]]), measured("rate-2000", [[200, 100]], "p50_us")),
    );
    expect(table).toMatch(/rate-2000 +\| p50_us +\| 2\.000 +\| 2\.00–2\.00 \| worse/);
    // Twice the work, and twice the time in two measures.
    expect(table).toContain("geometric mean 0.79 of the other's; 2 of 3 below 0.95.");
  });

  it("asks both for the same, and nobody else", () => {
    const scenario = relay("relay-1x10", { talks: { wireyard: "colon", limit: "colon" } });
    expect(ofBoth([scenario, { ...scenario, talks: { limit: "colon" } }])).toEqual([
      { ...scenario, talks: { wireyard: "colon", other: "colon" } },
    ]);
  });
});
