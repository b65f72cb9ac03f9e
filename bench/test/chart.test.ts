import { describe, expect, it } from "vitest";
import { growthChart, ratioChart } from "../src/chart.ts";
import { someResults } from "./results.ts";
import { isWellFormed } from "./svg.ts";

describe("the charts", () => {
  it("are well-formed SVG without a number that is none", () => {
    for (const svg of [ratioChart(someResults()), growthChart(someResults())]) {
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
      expect(isWellFormed(svg)).toBe(true);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it("read on dark pages too", () => {
    expect(ratioChart(someResults())).toContain("prefers-color-scheme: dark");
    expect(growthChart(someResults())).toContain("prefers-color-scheme: dark");
  });

  it("name every goal that was measured", () => {
    expect(ratioChart(someResults())).toContain("fan-out, one room of 10, W 16 (64 B, 1 KiB)");
    expect(ratioChart(someResults())).not.toContain("UDP");
  });

  it("show no growth where none was measured", () => {
    expect(growthChart({ ...someResults(), scenarios: [] })).toBe("");
  });
});
