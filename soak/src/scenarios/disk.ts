import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { openSqliteAccounts } from "@wireyard/accounts-sql";
import { Failure } from "../failure.ts";
import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { commaFrame, Wire } from "../wire.ts";

const SOURCE = fileURLToPath(new URL("../../../packages/accounts-sql/test/failing-sync.c", import.meta.url));
const POINTS = 50;
/** Registrations tried behind the one that failed. */
const MORE = 2;
const HAS_STRACE = spawnSync("strace", ["-V"]).status === 0;

/**
 * A disk on which the n-th sync, and every later one, fails; where strace is there, one on which the n-th write does.
 * Registrations are never acknowledged after that, and the relay of the same process goes on.
 */
export const disk: Scenario = {
  name: "disk",
  title: `a sync${HAS_STRACE ? " or write" : ""} that fails, at each of the first ${POINTS}: no false ok, relays go on`,
  promises: [11],
  unit: "faults",
  amount: HAS_STRACE ? 2 * POINTS : POINTS,
  step: 1,
  short: 1,
  async start() {
    const directory = mkdtempSync(path.join(tmpdir(), "wireyard-soak-disk-"));
    const library = path.join(directory, "failing-sync.so");
    const built = spawnSync("cc", ["-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], { encoding: "utf8" });
    if (built.status !== 0) throw new Failure(`this needs a C compiler (cc): ${built.stderr}`);
    const found = { refusedToStart: 0, failed: 0, acknowledged: 0 };
    const [falseOks, lost, silent]: [string[], string[], string[]] = [[], [], []];

    async function fail(number: number): Promise<void> {
      // In turns, the later points first: those are behind the start.
      const isWrite = HAS_STRACE && number % 2 === 1;
      const point = POINTS - (HAS_STRACE ? number >> 1 : number);
      const cwd = mkdtempSync(path.join(directory, "at-"));
      const inject = [
        `-einject=pwrite64:error=ENOSPC:when=${point}+`,
        "-etrace=pwrite64",
        "-f",
        "-o/dev/null",
      ];
      const options = isWrite
        ? { cwd, wrap: ["strace", ...inject] }
        : { cwd, env: { LD_PRELOAD: library, FAIL_FROM: String(point) } };
      const what = `${isWrite ? "write" : "sync"} ${point}`;
      const names: string[] = [];
      let server: Server;
      try {
        server = await Server.start({}, options);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        // It failed while the file was made: that is told, and nothing is served.
        found.refusedToStart++;
        return;
      }
      const relay = await Wire.connect(server.port("colon-relay"));
      await relay.ask("0:ann:pw\n2:lobby\n", /^4:/m);
      const wire = await Wire.connect(server.port("comma-command"));
      let failures = 0;
      for (let i = 0; i < POINTS + MORE && failures < MORE; i++) {
        const answer = await wire.ask(commaFrame(`register,user-${i},secret`), /ok|error[^\0]*/);
        if (answer === "ok" && failures === 0) names.push(`user-${i}`);
        else if (answer === "ok") falseOks.push(`${what}: user-${i}`);
        else failures++;
        if ((await relay.ask(`3:1:${i}\n`, new RegExp(`^3:\\d+:${i}$`, "m"))) === undefined)
          silent.push(what);
      }
      if (failures > 0) found.failed++;
      found.acknowledged += names.length;
      server.kill("SIGKILL");
      await server.ended;
      const accounts = await openSqliteAccounts({ file: path.join(cwd, "wireyard.db") });
      for (const name of names) if ((await accounts.find(name)) === undefined) lost.push(`${what}: ${name}`);
      await accounts.close();
    }

    return {
      step: fail,
      async finish() {
        rmSync(directory, { recursive: true, force: true });
        return [
          { name: "ok after a failure", value: falseOks.length, unit: "", most: 0, details: falseOks },
          { name: "acknowledged and lost", value: lost.length, unit: "", most: 0, details: lost },
          { name: "relays that stopped", value: silent.length, unit: "", most: 0, details: silent },
          { name: "acknowledged", value: found.acknowledged, unit: "registrations" },
          { name: "faults met by a registration", value: found.failed, unit: "" },
          { name: "faults met by the start, which was refused", value: found.refusedToStart, unit: "" },
        ];
      },
      abort: async () => rmSync(directory, { recursive: true, force: true }),
    };
  },
};
