import { describe, expect, test } from "vitest";
import { runScenario } from "../src/run.ts";
import { isMet, type Scenario } from "../src/scenario.ts";
import { SCENARIOS } from "../src/scenarios.ts";

const SEED = 20_261_121;
/** Those that measure how fast others are served need a machine of their own, and time. */
const MEASURE = ["readers", "floods", "logins", "drains", "drips"];

/** What is counted, not timed: other tests are at work meanwhile. */
async function wrongCounts(scenario: Scenario): Promise<unknown[]> {
  const { short } = scenario;
  const options = { seed: SEED, amount: short, done: 0, forMs: Infinity, tell() {} };
  const { figures } = await runScenario({ ...scenario, step: Math.min(scenario.step, short) }, options);
  expect(figures.length).toBeGreaterThan(0);
  return figures.filter((figure) => !/^(?:ms|%|MiB)$/.test(figure.unit) && !isMet(figure));
}

describe.skipIf(process.platform !== "linux")("in short, against the real server", () => {
  test.concurrent.each(SCENARIOS.filter(({ name }) => !MEASURE.includes(name)))(
    "$name: $title",
    async (scenario) => {
      expect(await wrongCounts(scenario)).toEqual([]);
    },
    60_000,
  );
});
