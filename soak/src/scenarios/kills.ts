import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { openSqliteAccounts } from "@wireyard/accounts-sql";
import { Random } from "../random.ts";
import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { after, commaFrame, Wire } from "../wire.ts";

const CLIENTS = 4;
/** Registrations of one round, at the most: a hash takes 30 ms, and 100,000 in 200 rounds are promised. */
const MOST_MS = 30_000;

/** Rounds of registrations, each ended by SIGKILL while they go on; what was acknowledged is looked for afterwards. */
export const kills: Scenario = {
  name: "kills",
  title: "SIGKILL in the middle of registrations; every account that was acknowledged is there afterwards",
  promises: [10],
  unit: "rounds",
  amount: 200,
  step: 1,
  short: 1,
  async start({ seed, done }) {
    const cwd = mkdtempSync(path.join(tmpdir(), "wireyard-soak-kills-"));
    const lost: string[] = [];
    const refused: string[] = [];
    let acknowledged = 0;
    return {
      async step(round) {
        const server = await Server.start({}, { cwd });
        const names: string[] = [];
        const random = Random.at(seed, round);
        // In a short run a few; before a release 560 a round, so that 200 rounds have more than 100,000.
        const due = 30 + random.below(20 + 104 * Math.min(round, 10));
        const ended = Promise.all(
          Array.from({ length: CLIENTS }, async (_, client) => {
            const wire = await Wire.connect(server.port("comma-command"));
            for (let i = 0; names.length < due; i++) {
              const name = `r${round}-${client}-${i}`;
              const answer = await wire.ask(commaFrame(`register,${name},secret`), /ok|error[^\0]*/);
              if (answer === "ok") names.push(name);
              else if (answer === undefined) return;
              else refused.push(`${name}: ${answer}`);
            }
          }),
        );
        await Promise.race([ended, after(MOST_MS)]);
        // Some are on their way: a client that has its answer asks again at once.
        server.kill("SIGKILL");
        await server.ended;
        await ended;
        acknowledged += names.length;
        const accounts = await openSqliteAccounts({ file: path.join(cwd, "wireyard.db") });
        for (const name of names) if ((await accounts.find(name)) === undefined) lost.push(name);
        await accounts.close();
      },
      async finish() {
        // The file that all these kills left opens, and its last account logs in over the wire.
        const server = await Server.start({}, { cwd });
        const wire = await Wire.connect(server.port("comma-command"));
        const registered = await wire.ask(commaFrame("register,last-one,secret"), /ok|error[^\0]*/);
        const isIn = await wire.ask(commaFrame("login,last-one,secret"), /ok|error[^\0]*/);
        await server.stop();
        rmSync(cwd, { recursive: true, force: true });
        return [
          { name: "acknowledged", value: acknowledged, unit: "registrations", least: done > 0 ? 0 : 1 },
          { name: "lost", value: lost.length, unit: "", most: 0, details: lost },
          { name: "refused", value: refused.length, unit: "", most: 0, details: refused },
          {
            name: "logins that failed after the last",
            value: registered === "ok" && isIn === "ok" ? 0 : 1,
            unit: "",
            most: 0,
          },
        ];
      },
      abort: async () => rmSync(cwd, { recursive: true, force: true }),
    };
  },
};
