import { spawnSync } from "node:child_process";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { BENCH, build, cannotBuild } from "../src/build.ts";
import { nodesChart } from "../src/nodes/chart.ts";
import { nodesPeers } from "../src/nodes/peers.ts";
import { NODES_SCENARIOS } from "../src/nodes/scenarios.ts";
import { comparisonsTable, costOf, figuresTable } from "../src/nodes/table.ts";
import { redis } from "../src/peers/index.ts";
import { type Measured, measure, type Results } from "../src/run.ts";
import type { NodesName } from "../src/scenarios.ts";
import { loadArguments, TALKS } from "../src/talks.ts";
import { result, someResults } from "./results.ts";
import { isWellFormed } from "./svg.ts";

/** One scenario as if it had been measured, of two rounds. */
function someNodes(): Results {
  const measured: Measured = {
    id: "nodes-1x10",
    title: "1 × 10, W 16",
    peers: {
      "wireyard-1": { rounds: [result(1_000_000), result(800_000)], problems: [] },
      "wireyard-2": { rounds: [result(100_000, 0.25), result(100_000, 0.25)], problems: [] },
      "socket.io-2": { rounds: [result(25_000, 0.25), null], problems: ["0 missing, 4 bad, 0 closed."] },
      "socket.io-2-streams": { rounds: [null, null], problems: ["gone", "gone"] },
    },
  };
  return { ...someResults(), scenarios: [measured] };
}

function lineWith(table: string, text: string): string {
  return table.split("\n").find((line) => line.includes(text)) ?? "";
}

describe("several nodes in figures", () => {
  it("tell what a delivery costs the nodes, and what it costs their Redis", () => {
    const [measured] = someNodes().scenarios as [Measured];
    expect(costOf(measured, "wireyard-2")?.nodes).toBeCloseTo(10);
    expect(costOf(measured, "wireyard-2")?.engine).toBeCloseTo(2.5);
    expect(costOf(measured, "socket.io-2-streams")).toBeUndefined();
    const line = lineWith(figuresTable(someNodes()), "| Wireyard, 2 nodes");
    expect(line).toContain("| 100 k (100 k–100 k)           | 80.0 k (80.0 k–80.0 k)");
    expect(line).toContain("| 10.0      | 2.50 ");
  });

  it("tell how many rounds of a server failed, and give no figure of one that had no clean round", () => {
    const table = figuresTable(someNodes());
    expect(table).toContain("socket.io, 2 nodes, redis-adapter (1 failed)");
    expect(lineWith(table, "redis-streams-adapter (2 failed)")).toContain("| error");
  });

  it("compare nodes with one node and with another server, with and without their Redis", () => {
    const nodes = lineWith(comparisonsTable(someNodes(), "per_cpu_second"), "1 × 10");
    expect(nodes).toContain("0.11 (0.10–0.13)");
    expect(nodes).toContain("4.00 (4.00–4.00)");
    const all = lineWith(comparisonsTable(someNodes(), "per_cpu_second_with_engine"), "1 × 10");
    expect(all).toContain("0.09 (0.08–0.10)");
  });

  it("are drawn as well-formed SVG that reads on dark pages too", () => {
    const svg = nodesChart(someNodes());
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).toContain("10.0 + 2.50 µs");
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe("the scenarios of several nodes", () => {
  it("have names of their own, and each peer is asked in one", () => {
    expect(new Set(NODES_SCENARIOS.map(({ id }) => id)).size).toBe(NODES_SCENARIOS.length);
    const asked = new Set(NODES_SCENARIOS.flatMap(({ talks }) => Object.keys(talks)));
    expect(nodesPeers({ isBuilt: false }).map(({ name }) => name)).toEqual([...asked]);
  });

  it("give the load generator a port for each node", () => {
    const [scenario] = NODES_SCENARIOS;
    if (!scenario) throw new Error("the scenarios are gone");
    const args = loadArguments(TALKS.colon, [{ ports: { colon: 1 } }, { ports: { colon: 2 } }], scenario);
    expect(args.filter((arg) => arg.startsWith("port="))).toEqual(["port=1", "port=2"]);
  });
});

describe("the command for several nodes", () => {
  const bench = (...args: string[]) =>
    spawnSync(process.execPath, [path.join(BENCH, "src/nodes/main.ts"), ...args], { encoding: "utf8" });

  it("says how it is used, and what there is", () => {
    expect(bench("--help").stdout).toContain("--quick");
    const { status, stdout } = bench("--list");
    expect(status).toBe(0);
    for (const { id } of NODES_SCENARIOS) expect(stdout).toContain(id);
  });

  it("refuses a scenario that there is not with a line", () => {
    const { status, stderr } = bench("--only", "relay-1x10");
    expect(status).toBe(2);
    expect(stderr).toBe("bench:nodes: --only relay-1x10: no such scenario or peer; --list shows them\n");
  });
});

const cannot = cannotBuild() ?? redis.missing();
if (cannot) console.warn(`bench: the tests with several nodes are left out: ${cannot}`);

describe.runIf(cannot === undefined)("several nodes end to end", { timeout: 120_000 }, () => {
  const timing = { rounds: 1, seconds: 0.1, firstWarm: 0.05, warm: 0.05, quiet: 0.05 };
  const cases: [id: string, ...NodesName[]][] = [
    ["nodes-1x10", "wireyard-2", "socket.io-2", "socket.io-2-streams"],
    ["nodes-1x10-ordered", "wireyard-2"],
  ];

  it.each(cases)(
    "measures %s with nothing missing or bad, and the CPU time of Redis apart",
    async (id, ...names) => {
      const scenario = NODES_SCENARIOS.find((one) => one.id === id);
      if (!scenario) throw new Error(`${id} is gone`);
      const peers = nodesPeers({ isBuilt: false }).filter(({ name }) => names.some((one) => one === name));
      const { peers: figures } = await measure(scenario, peers, { programs: build(), timing });
      for (const name of names) {
        expect(figures[name]?.problems).toEqual([]);
        const round = figures[name]?.rounds[0];
        expect(round).toMatchObject({ missing: 0, bad: 0, closed: 0 });
        expect(round?.engine_cpu).toBeGreaterThan(0);
        expect(round?.per_cpu_second_with_engine).toBeLessThan(round?.per_cpu_second ?? 0);
      }
    },
  );
});
