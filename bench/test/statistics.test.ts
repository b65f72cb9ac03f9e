import { describe, expect, it } from "vitest";
import { median, ratios, short, spread } from "../src/statistics.ts";

describe("statistics", () => {
  it("takes the middle value, whatever the order, and the mean of the two in the middle", () => {
    expect(median([10, 1, 2])).toBe(2);
    expect(median([4, 1, 10, 2])).toBe(3);
    expect(median([7])).toBe(7);
  });

  it("counts no round that has no figure, and knows no median of none", () => {
    expect(median([undefined, 3, undefined])).toBe(3);
    expect(median([])).toBeNaN();
  });

  it("tells the range beside the median", () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  });

  it("divides round by round and leaves out rounds that one of both has no figure for", () => {
    expect(ratios([10, undefined, 30, 40], [5, 5, undefined, 20])).toEqual([2, 2]);
    expect(ratios([1], [0])).toEqual([]);
  });

  it("writes figures with three digits that count", () => {
    expect([1_234_567, 45_600, 999, 12.34, 0.9123].map(short)).toEqual([
      "1.23 M",
      "45.6 k",
      "999",
      "12.3",
      "0.91",
    ]);
    expect(short(Number.NaN)).toBe("–");
  });
});
