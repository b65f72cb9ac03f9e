import { describe, expect, test } from "vitest";
import { Deadlines, DeadlineWheel, type Phase, TICK_MS } from "../src/index.ts";

function setUp(): {
  at(ms: number): void;
  deadlines: Deadlines;
  expired: [Phase, number][];
  wheel: DeadlineWheel;
} {
  let now = 0;
  const wheel = new DeadlineWheel(() => now);
  const expired: [Phase, number][] = [];
  const deadlines = new Deadlines(wheel, { expired: (phase) => expired.push([phase, now]) });
  const at = (ms: number): void => {
    while (now < ms) {
      now = Math.min(now + TICK_MS, ms);
      wheel.tick();
    }
  };
  return { at, deadlines, expired, wheel };
}

describe("deadlines", () => {
  test("a phase ends at its time, once", () => {
    const { at, deadlines, expired } = setUp();
    deadlines.start("login", 1_000);
    at(950);
    expect(expired).toEqual([]);
    at(5_000);
    expect(expired).toEqual([["login", 1_000]]);
  });

  test("several phases run beside each other", () => {
    const { at, deadlines, expired } = setUp();
    deadlines.start("idle", 3_000);
    deadlines.start("login", 1_000);
    deadlines.start("frame", 2_000);
    at(10_000);
    expect(expired).toEqual([
      ["login", 1_000],
      ["frame", 2_000],
      ["idle", 3_000],
    ]);
  });

  test("a cleared phase does not end", () => {
    const { at, deadlines, expired } = setUp();
    deadlines.start("login", 1_000);
    deadlines.clear("login");
    at(2_000);
    expect(expired).toEqual([]);
  });

  test("a touched phase ends after the last touch", () => {
    const { at, deadlines, expired } = setUp();
    for (const ms of [0, 800, 1_600, 2_400]) {
      at(ms);
      deadlines.touch("idle", 1_000);
    }
    at(10_000);
    expect(expired).toEqual([["idle", 3_400]]);
  });

  test("a phase moved nearer ends at the nearer time", () => {
    const { at, deadlines, expired } = setUp();
    deadlines.start("idle", 10_000);
    deadlines.start("idle", 200);
    at(20_000);
    expect(expired).toEqual([["idle", 200]]);
  });

  test("a frame's time runs from its first byte, whatever drips in", () => {
    const { at, deadlines, expired } = setUp();
    for (let ms = 0; ms < 3_000; ms += 500) {
      at(ms);
      deadlines.frame(true, 0, 2_000);
    }
    expect(expired).toEqual([["frame", 2_000]]);
  });

  test("a frame that began behind another has its own time", () => {
    const { at, deadlines, expired } = setUp();
    deadlines.frame(true, 0, 1_000);
    at(900);
    deadlines.frame(true, 1, 1_000);
    at(1_850);
    expect(expired).toEqual([]);
    deadlines.frame(false, 1, 1_000);
    at(5_000);
    expect(expired).toEqual([]);
  });

  test("a long pause of the process lets everything due end, in order", () => {
    let now = 0;
    const wheel = new DeadlineWheel(() => now);
    const expired: string[] = [];
    const others = ["a", "b", "c"].map((name) => new Deadlines(wheel, { expired: () => expired.push(name) }));
    for (const [i, deadlines] of others.entries()) deadlines.start("idle", 1_000 * (3 - i));
    now = 1_000_000;
    wheel.tick();
    expect(expired).toEqual(["c", "b", "a"]);
  });

  test("a phase started while another ends is not lost", () => {
    let now = 0;
    const wheel = new DeadlineWheel(() => now);
    const expired: Phase[] = [];
    const deadlines: Deadlines = new Deadlines(wheel, {
      expired(phase) {
        expired.push(phase);
        if (phase === "silence") deadlines.start("ping", 100);
      },
    });
    deadlines.start("silence", 500);
    for (now = 0; now <= 1_000; now += TICK_MS) wheel.tick();
    expect(expired).toEqual(["silence", "ping"]);
  });

  test("the wheel holds no session that was stopped, whatever it still starts, and none twice", () => {
    const { at, deadlines, expired, wheel } = setUp();
    deadlines.start("idle", 300_000);
    deadlines.start("frame", 1_000);
    deadlines.start("request", 500);
    expect(wheel.size).toBe(1);
    deadlines.stop();
    deadlines.touch("idle", 300_000);
    expect(wheel.size).toBe(0);
    expect(deadlines.running("idle")).toBe(false);
    at(310_000);
    expect(expired).toEqual([]);
  });

  test("a stopped session's phases are over", () => {
    const { at, deadlines, expired } = setUp();
    deadlines.start("login", 1_000);
    deadlines.start("idle", 1_000);
    deadlines.stop();
    at(2_000);
    expect(expired).toEqual([]);
  });
});
