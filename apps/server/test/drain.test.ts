import { expect, test } from "vitest";
import { drainTimes } from "../src/drain.ts";

test.each([
  ["by default", 10_000, 5_000, { spreadMs: 8_000, allMs: 13_000 }],
  ["in a hurry", 600, 5_000, { spreadMs: 600, allMs: 5_600 }],
  ["at once", 0, 5_000, { spreadMs: 0, allMs: 5_000 }],
  ["with quick requests", 10_000, 1_000, { spreadMs: 10_000, allMs: 13_000 }],
  ["with all the time", 60_000, 5_000, { spreadMs: 58_000, allMs: 63_000 }],
  ["with requests that take very long", 10_000, 60_000, { spreadMs: 5_000, allMs: 13_000 }],
])("closings are spread and requests answered %s", (_, drainMs, requestTimeoutMs, times) => {
  expect(drainTimes(drainMs, requestTimeoutMs)).toEqual(times);
});
