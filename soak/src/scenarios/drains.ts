import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { commaFrame, Wire } from "../wire.ts";

const CLIENTS = 200;
/** What was sent so long before the connection was closed had been read. */
const READ_MS = 500;

/** SIGTERM to a server that is at work. */
export const drains: Scenario = {
  name: "drains",
  title: `SIGTERM while ${CLIENTS} clients ask: every request that was read is answered, exit code 0 within 15 s`,
  promises: [18],
  unit: "drains",
  amount: 30,
  step: 1,
  short: 1,
  async start() {
    const worst = { ms: 0, codes: 0, dropped: 0, answered: 0 };
    return {
      async step() {
        const server = await Server.start({ drainMs: 2_000 });
        const wires = await Promise.all(
          Array.from({ length: CLIENTS }, () => Wire.connect(server.port("comma-command"))),
        );
        const asking = wires.map(async (wire, client) => {
          // Each asks again when it is answered. What the close overtook on its way was never read.
          for (let number = 0; ; number++) {
            const askedAt = performance.now();
            const answer = await wire.ask(
              commaFrame(`req,${client}-${number},whoami`),
              /req,[^\0]*not_logged_in/,
            );
            if (answer === undefined) {
              if (performance.now() - askedAt > READ_MS) worst.dropped++;
              return;
            }
            worst.answered++;
            if (!answer.startsWith(`req,${client}-${number},`)) worst.dropped++;
          }
        });
        await new Promise((resolve) => setTimeout(resolve, 300));
        const from = performance.now();
        const code = await server.stop();
        worst.ms = Math.max(worst.ms, performance.now() - from);
        if (code !== 0) worst.codes++;
        await Promise.all(asking);
      },
      async finish() {
        return [
          { name: "exit codes other than 0", value: worst.codes, unit: "", most: 0 },
          { name: "longest", value: worst.ms, unit: "ms", most: 15_000 },
          { name: "requests answered out of turn or left out", value: worst.dropped, unit: "", most: 0 },
          { name: "requests answered", value: worst.answered, unit: "", least: 1 },
        ];
      },
      abort: async () => {},
    };
  },
};
