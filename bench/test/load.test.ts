import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { BENCH, build, cannotBuild } from "../src/build.ts";
import { Failure } from "../src/failure.ts";
import { parseLoadResult } from "../src/load.ts";
import { allPeers } from "../src/peers/index.ts";
import { readPorts } from "../src/peers/wireyard.ts";
import { measure } from "../src/run.ts";
import { SCENARIOS, type Scenario } from "../src/scenarios.ts";
import { result } from "./results.ts";

describe("parsing", () => {
  it("takes a result without losses", () => {
    expect(parseLoadResult(JSON.stringify(result(1000)))).toEqual(result(1000));
  });

  it("refuses a result in which anything is missing, bad or closed", () => {
    for (const loss of ["missing", "bad", "closed"]) {
      const line = JSON.stringify({ ...result(1), [loss]: 3 });
      expect(() => parseLoadResult(line, "load: not what was expected: x\n")).toThrow(`3 ${loss}`);
    }
    expect(() => parseLoadResult("")).toThrow(Failure);
  });

  it("reads the ports of the ready line, and none that is not served", () => {
    const ready = '{"pid":1,"colon-relay":{"tcp":2,"udp":3},"comma-command":{"tcp":4}}';
    expect(readPorts(`wireyard ready ${ready}`)).toEqual({ colon: 2, udp: 3, comma: 4 });
    expect(readPorts("wireyard admin http://127.0.0.1/")).toBeUndefined();
  });
});

const cannot = cannotBuild();
if (cannot) console.warn(`bench: the end-to-end tests are left out: ${cannot}`);

describe.runIf(cannot === undefined)("end to end", { timeout: 60_000 }, () => {
  const timing = { rounds: 1, seconds: 0.1, firstWarm: 0.05, warm: 0.05, quiet: 0.05 };
  const find = (id: string): Scenario => {
    const scenario = SCENARIOS.find((one) => one.id === id);
    if (!scenario) throw new Error(`${id} is gone`);
    return scenario;
  };
  const ids = [
    "relay-1x10",
    "relay-1x10-others",
    "relay-1x10-ordered",
    "comma-d16",
    "varint-d1",
    "json-d16",
    "udp-1x10",
  ];

  it.each(ids)("measures %s against Wireyard and the yardstick with nothing missing or bad", async (id) => {
    const programs = build();
    const peers = allPeers({ isBuilt: false }).filter(({ name }) => name === "wireyard" || name === "limit");
    const { peers: figures } = await measure(find(id), peers, { programs, timing });
    for (const its of [figures.wireyard, figures.limit]) {
      expect(its?.problems).toEqual([]);
      expect(its?.rounds[0]).toMatchObject({ missing: 0, bad: 0, closed: 0 });
      expect(its?.rounds[0]?.per_cpu_second).toBeGreaterThan(0);
    }
  });

  it("finds a delivery that is not what it must be", async () => {
    // A yardstick that is asked for 3:0 and expected to give 3:1 gives each sender one copy too few.
    const programs = build();
    const peers = allPeers({ isBuilt: false }).filter(({ name }) => name === "limit");
    const [limit] = peers;
    const running = await limit?.start(programs);
    const args = ["say=0:u:p\\n", "hear=0:{id}\\n", "say=2:r\\n", "hear=4:", "message=3:0:{payload}\\n"];
    const talk = [
      ...args,
      "delivery=3:{id}:{payload}\\n",
      "members=2",
      "window=1",
      "seconds=0.1",
      "warm=0.1",
    ];
    const run = spawnSync(programs.load, ["mode=relay", `port=${running?.ports.colon}`, ...talk], {
      encoding: "utf8",
    });
    await running?.stop();
    expect(() => parseLoadResult(run.stdout)).toThrow(/[1-9]\d* missing/);
  });
});

describe("the command", () => {
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(BENCH, "src", "main.ts"), ...args], { encoding: "utf8" });

  it("says how it is used", () => {
    const { status, stdout } = bench("--help");
    expect(status).toBe(0);
    for (const option of ["--quick", "--only", "--rounds", "--secs", "--built"])
      expect(stdout).toContain(option);
  });

  it("refuses a scenario that there is not, and rounds that are no number, with a line", () => {
    for (const args of [
      ["--only", "nonsense"],
      ["--rounds", "many"],
      ["--secs=-1"],
      ["--secs"],
      ["--fast"],
    ]) {
      const { status, stderr } = bench(...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^bench: .*--/);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });
});
