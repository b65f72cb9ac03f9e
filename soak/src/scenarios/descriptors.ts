import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { Wire } from "../wire.ts";

const DESCRIPTORS = 120;
const CLIENTS = 300;

/** More clients than there are descriptors. */
export const descriptors: Scenario = {
  name: "descriptors",
  title: `${CLIENTS} clients of a server with ${DESCRIPTORS} descriptors: some are closed, users are served, it recovers`,
  promises: [23],
  unit: "rounds",
  amount: 50,
  step: 1,
  short: 1,
  async start() {
    const wrap = ["sh", "-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "sh"];
    const server = await Server.start({}, { wrap });
    const port = server.port("colon-relay");
    const user = await Wire.connect(port);
    await user.ask("0:ann:pw\n2:lobby\n", /^4:/m);
    const worst = { recoveredMs: 0, unserved: 0, refused: 0 };
    return {
      async step() {
        const wires = await Promise.all(Array.from({ length: CLIENTS }, () => Wire.connect(port)));
        const answers = await Promise.all(wires.map((wire) => wire.ask("0:x:pw\n", /^0:\d+\n/)));
        worst.refused = Math.max(worst.refused, answers.filter((answer) => answer === undefined).length);
        if ((await user.ask("3:1:here\n", /3:\d+:here\n/)) === undefined) worst.unserved++;
        for (const wire of wires) wire.drop();
        const from = performance.now();
        let isServed = false;
        while (!isServed && performance.now() - from < 10_000) {
          const wire = await Wire.connect(port);
          isServed = (await wire.ask("0:y:pw\n", /^0:\d+\n/)) !== undefined;
          wire.drop();
        }
        worst.recoveredMs = Math.max(worst.recoveredMs, performance.now() - from);
      },
      async finish() {
        const exits = server.isRunning ? 0 : 1;
        await server.stop();
        return [
          { name: "exits", value: exits, unit: "", most: 0 },
          { name: "closed at once", value: worst.refused, unit: "of the clients", least: 1 },
          { name: "times that the user was not served", value: worst.unserved, unit: "", most: 0 },
          { name: "recovered after", value: worst.recoveredMs, unit: "ms", most: 1_000 },
        ];
      },
      abort: () => server.stop(),
    };
  },
};
