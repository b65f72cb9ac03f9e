import { describe, expect, it } from "vitest";
import { boundText, GOALS, growthSteps, meets } from "../src/goals.ts";
import { ATTEMPTS, bestOf, isLoss } from "../src/guard.ts";
import { allPeers } from "../src/peers/index.ts";
import { SCENARIOS } from "../src/scenarios.ts";
import { loadArguments, TALKS } from "../src/talks.ts";

const byId = new Map(SCENARIOS.map((scenario) => [scenario.id, scenario]));

describe("goals and scenarios", () => {
  it("give every scenario a name of its own", () => {
    expect(byId.size).toBe(SCENARIOS.length);
  });

  it("set goals only for scenarios that exist", () => {
    expect(GOALS.flatMap((goal) => goal.scenarios).filter((id) => !byId.has(id))).toEqual([]);
  });

  it("compare only with peers that at least one scenario of the goal asks", () => {
    for (const { row, scenarios, against } of GOALS) {
      const asked = new Set(scenarios.flatMap((id) => Object.keys(byId.get(id)?.talks ?? {})));
      expect(
        Object.keys(against).filter((peer) => !asked.has(peer)),
        row,
      ).toEqual([]);
    }
  });

  it("judge or chart every scenario that is measured", () => {
    const used = new Set(GOALS.flatMap((goal) => goal.scenarios));
    expect(SCENARIOS.filter(({ id, growth }) => !used.has(id) && !growth)).toEqual([]);
  });

  it("ask ourselves in every scenario, and every peer in one", () => {
    expect(SCENARIOS.filter(({ talks }) => !talks.wireyard)).toEqual([]);
    const asked = new Set(SCENARIOS.flatMap(({ talks }) => Object.keys(talks)));
    expect(
      allPeers({ isBuilt: false })
        .map(({ name }) => name)
        .filter((name) => !asked.has(name)),
    ).toEqual([]);
  });

  it("order the steps of growth from small to large", () => {
    for (const line of ["members", "rooms", "idle"] as const) {
      const steps = growthSteps(line).map((id) => byId.get(id)?.growth?.step ?? 0);
      expect(steps).toEqual(steps.toSorted((a, b) => a - b));
      expect(steps.length).toBeGreaterThan(2);
    }
  });

  it("say in which direction a bound holds", () => {
    expect([meets(0.9, { atLeast: 0.9 }), meets(0.89, { atLeast: 0.9 })]).toEqual([true, false]);
    expect([meets(1.1, { atMost: 1.1 }), meets(1.2, { atMost: 1.1 })]).toEqual([true, false]);
    expect([boundText({ atLeast: 2 }), boundText({ atMost: 1 })]).toEqual(["≥ 2", "≤ 1"]);
  });
});

describe("talks", () => {
  it("count the steps of a greeting, so that bystanders stop after it", () => {
    const scenario = byId.get("relay-1x10");
    if (!scenario) throw new Error("the scenario is gone");
    const args = (talk: keyof typeof TALKS) =>
      loadArguments(TALKS[talk], [{ ports: { colon: 1, main: 2 } }], scenario);
    expect(args("colon")).toContain("bystander-steps=1");
    expect(args("ws")).toContain("bystander-steps=0");
    // It hears before it speaks.
    expect(args("socket.io")).toContain("bystander-steps=2");
  });

  it("write the lengths of MQTT in one byte and in two", () => {
    const load = (size: number) => TALKS.mqtt.load({ id: "", title: "", kind: "relay", talks: {}, size });
    expect(load(64)).toContain("message=\\x30\\x48\\x00\\x06r{room}{payload}");
    expect(load(1024)).toContain("message=\\x30\\x88\\x08\\x00\\x06r{room}{payload}");
  });
});

describe("the guard", () => {
  const spread = (median: number) => ({ median, min: median, max: median });

  it("calls a quarter a loss, and what is no number", () => {
    expect([isLoss(0.75, 1), isLoss(0.749, 1), isLoss(2, 1), isLoss(Number.NaN, 1)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it("tries again while it looks like a loss, and takes the best", async () => {
    const medians = [0.5, 0.9, 0.1];
    let tries = 0;
    const best = await bestOf(1, async () => spread(medians[tries++] ?? 0));
    expect([best.median, tries]).toEqual([0.9, 2]);
  });

  it("gives up after the last attempt", async () => {
    let tries = 0;
    const best = await bestOf(1, async () => spread(0.1 * ++tries));
    expect(tries).toBe(ATTEMPTS);
    expect(best.median).toBeCloseTo(0.1 * ATTEMPTS);
  });
});
