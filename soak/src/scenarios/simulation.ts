import { spawn } from "node:child_process";
import path from "node:path";
import type { Scenario } from "../scenario.ts";

const MAIN = path.join(import.meta.dirname, "..", "..", "..", "test", "simulation", "main.ts");

/** Several nodes under virtual time, in a process of its own: the simulation takes the place of all its timers. */
export const simulation: Scenario = {
  name: "simulation",
  title: "nodes, clients and a model of the engine: crashes, partitions and lost leases in random order",
  promises: [17],
  unit: "steps",
  amount: 100_000_000,
  step: 1_000_000,
  short: 10_000,
  async start({ seed }) {
    const broken: string[] = [];
    return {
      async step(done, count) {
        const { code, output } = await simulate(["--seed", String(seed + done), "--steps", String(count)]);
        if (code !== 0) broken.push(output);
      },
      async finish() {
        return [{ name: "promises broken", value: broken.length, unit: "", most: 0, details: broken }];
      },
      async abort() {},
    };
  },
};

async function simulate(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["--conditions=source", MAIN, ...args]);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, output };
}
