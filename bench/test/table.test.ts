import { describe, expect, it } from "vitest";
import { goalsTable, growthOf, growthTable, markdown, problems, verdicts } from "../src/table.ts";
import { someResults } from "./results.ts";

function lineWith(table: string, text: string): string {
  return table.split("\n").find((line) => line.includes(text)) ?? "";
}

describe("the table", () => {
  it("shows ratios as median and range, and whether the goal is met", () => {
    const line = lineWith(goalsTable(someResults()), "| 1 × 10, W 16 ");
    expect(line).toContain("950 k /CPU-s");
    expect(line).toContain("0.95 (0.90–1.00) ✓");
  });

  it("takes the clean rounds of a peer, and tells how many were not", () => {
    expect(lineWith(goalsTable(someResults()), "| 1 × 10, W 16 ")).toContain("1.80 (1.80–1.80) ✓ (1 failed)");
  });

  it("shows no figure of a peer that had no clean round", () => {
    expect(lineWith(goalsTable(someResults()), "| 1 × 10, W 16 ")).toContain("| error");
  });

  it("says of what is not served yet that it is not", () => {
    expect(goalsTable(someResults())).toContain("| not served yet ");
  });

  it("counts the goals that are met and names those that are not", () => {
    const { met, unmet } = verdicts(someResults());
    expect(met).toBe(5);
    expect(unmet).toEqual(["growth, members of one room, W 16: at 100 0.60 of the best before, goal ≥ 0.75"]);
  });

  it("names a goal with what was measured", () => {
    const slow = someResults();
    const faster = slow.scenarios[0]?.peers.wireyard?.rounds.map(
      (one) => one && { ...one, per_cpu_second: 1 },
    );
    slow.scenarios[0]?.peers.limit?.rounds.splice(0, 2);
    slow.scenarios[0]?.peers.wireyard?.rounds.splice(0, 2, ...(faster ?? []));
    expect(verdicts(slow).unmet).toContain(
      "fan-out, one room of 10, W 16 (64 B, 1 KiB): 1 × 10, W 16, redis 0.00, goal ≥ 1",
    );
  });

  it("tells every problem with its scenario and peer", () => {
    expect(problems(someResults()).map(({ line }) => line)).toEqual([
      "relay-1x10, redis: 0 missing, 4 bad, 0 closed.",
      "relay-1x10, aedes: 0 missing, 4 bad, 0 closed.",
    ]);
  });

  it("compares every growth step with the best before it", () => {
    const steps = growthOf(someResults(), "members");
    expect(steps.map(({ step, ofBest }) => [step, ofBest])).toEqual([
      [2, 1],
      [10, 1],
      [100, 0.6],
    ]);
    expect(lineWith(growthTable(someResults()), "| 100 ")).toContain("0.60 ✗");
    expect(growthTable({ ...someResults(), scenarios: [] })).toBe("");
  });

  it("leaves out columns that have nothing below their head", () => {
    expect(
      markdown([
        ["a", "b", "c"],
        ["1", "", "333333"],
      ]),
    ).toBe("| a   | c      |\n|-----|--------|\n| 1   | 333333 |");
  });
});
