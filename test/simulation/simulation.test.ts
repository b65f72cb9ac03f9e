import { expect, test } from "vitest";
import { type Run, simulate } from "./run.ts";
import { SABOTAGES } from "./sabotage.ts";

/** Nothing where all is well; else what to read first. */
function complaint({ seed, violation, log }: Run): string {
  return violation === undefined ? "" : `seed ${seed}: ${violation.message}\n${log.join("\n")}`;
}

test.each([1, 2, 3])(
  "20,000 steps of joins, messages, crashes and partitions keep every promise, seed %i",
  async (seed) => {
    const run = await simulate({ seed, steps: 20_000 });
    expect(complaint(run)).toBe("");
    expect(run.messages).toBeGreaterThan(500);
  },
);

test("the same seed is the same run, step by step", async () => {
  const [one, other] = [await simulate({ seed: 7, steps: 3_000 }), await simulate({ seed: 7, steps: 3_000 })];
  expect(other).toEqual(one);
  expect(one.log.length).toBe(50);
});

// The seed is one with which each shows as itself first: what is out of order may be taken for lost before.
test.each(Object.entries(SABOTAGES))("it is noticed where %s", async (_, { what, noticed }) => {
  const run = await simulate({ seed: 5, steps: 100_000, sabotage: what });
  expect(run.violation?.invariant).toBe(noticed);
  // The log ends with it.
  expect(run.log.at(-1)).toContain(run.violation?.message);
});
