import { expect, test } from "vitest";
import { Random } from "../src/random.ts";
import { describeRun } from "../src/report.ts";
import { runScenario } from "../src/run.ts";
import type { Figure, Scenario } from "../src/scenario.ts";
import { burstOf } from "../src/scenarios/fuzz.ts";

/** A scenario that notes what it was asked for. */
function scenario(log: string[], figures: readonly Figure[]): Scenario {
  return {
    name: "drips",
    title: "a test",
    promises: [1],
    unit: "things",
    amount: 10,
    step: 4,
    short: 1,
    async start({ seed, done }) {
      log.push(`start ${seed} ${done}`);
      return {
        async step(from, count) {
          if (from === 99) throw new Error("broken");
          log.push(`${from}+${count}`);
        },
        finish: async () => figures,
        abort: async () => log.push("abort"),
      };
    },
  };
}

const base = { seed: 7, amount: 10, done: 0, forMs: Infinity, tell() {} };

test("a scenario is run step by step to its amount, and what is not as promised is counted", async () => {
  const log: string[] = [];
  const figures = [
    { name: "a", value: 2, unit: "", most: 1 },
    { name: "b", value: 2, unit: "", least: 3 },
    { name: "c", value: 2, unit: "", most: 2, least: 2 },
    { name: "d", value: 2, unit: "" },
  ];
  const result = await runScenario(scenario(log, figures), base);
  expect(log).toEqual(["start 7 0", "0+4", "4+4", "8+2"]);
  expect(result).toMatchObject({ done: 10, findings: 2 });
});

test("a run that was interrupted goes on where it was, and one without time does one step", async () => {
  const log: string[] = [];
  await runScenario(scenario(log, []), { ...base, done: 8 });
  await runScenario(scenario(log, []), { ...base, forMs: 0 });
  expect(log).toEqual(["start 7 8", "8+2", "start 7 0", "0+4"]);
});

test("an error ends what was begun, and is found", async () => {
  const log: string[] = [];
  const result = await runScenario(scenario(log, []), { ...base, amount: 200, done: 99 });
  expect(log).toEqual(["start 7 99", "abort"]);
  expect(result).toMatchObject({ done: 99, findings: 1, figures: [{ name: "errors that ended it" }] });
  expect(result.figures[0]?.details?.[0]).toBe("Error: broken");
});

test("the same seed and number are the same bytes, whatever was sent before", () => {
  const hex = (seed: number, number: number): string =>
    Buffer.concat(burstOf("colon-relay", seed, number)).toString("hex");
  expect(hex(1, 5)).toBe(hex(1, 5));
  expect(new Set([hex(1, 5), hex(1, 6), hex(2, 5)]).size).toBe(3);
  expect(Random.at(1, 2).next()).toBe(Random.at(1, 2).next());
});

test("a report tells command, seed, amounts and figures, those not as promised in bold", () => {
  const figures = [
    { name: "exits", value: 1, unit: "", most: 0 },
    { name: "p99", value: 1.25, unit: "ms", most: 50 },
  ];
  const results = [{ name: "drips", done: 1_200, seconds: 60, figures, findings: 1 }];
  const report = describeRun({ command: "pnpm soak", date: "2026-11-21T00:00:00Z", seed: 7, results });
  expect(report).toContain("- command: `pnpm soak`, seed 7\n- date: 2026-11-21");
  expect(report).toContain(
    "| drips | 1 | 1,200 rounds in 60 s | **exits: 1, at most 0**; p99: 1.3 ms, at most 50 |",
  );
});
