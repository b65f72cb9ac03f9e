import { Pulse } from "../pulse.ts";
import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { after, Wire } from "../wire.ts";

const PER_SECOND = 5_000;

/** Connections that say nothing, from many addresses, beside a user who is logged in and newcomers who want to be. */
export const floods: Scenario = {
  name: "floods",
  title: `${PER_SECOND} connects a second that say nothing, against a server of 2,000 connections`,
  promises: [9],
  unit: "seconds",
  amount: 60,
  step: 1,
  short: 2,
  async start() {
    const server = await Server.start({
      "limits.maxConnections": 2_000,
      "limits.preLoginConnections": 2_000,
      "limits.loginTimeoutMs": 10_000,
    });
    const port = server.port("colon-relay");
    const pulse = await Pulse.start(port);
    const strangers: Wire[] = [];
    let made = 0;
    let newcomers = 0;
    let tries = 0;
    return {
      async step() {
        const until = performance.now() + 1_000;
        for (let sent = 0; performance.now() < until; ) {
          const due = (1 - (until - performance.now()) / 1_000) * PER_SECOND;
          const count = Math.min(200, Math.ceil(due - sent));
          if (count < 1) {
            await after(1);
            continue;
          }
          sent += count;
          made += count;
          const from = (i: number): string => `127.1.${(made + i) % 100}.${1 + ((made + i) % 200)}`;
          strangers.push(
            ...(await Promise.all(Array.from({ length: count }, (_, i) => Wire.connect(port, from(i))))),
          );
          for (const old of strangers.splice(0, strangers.length - 4_000)) old.socket.resetAndDestroy();
        }
        tries++;
        const newcomer = await Wire.connect(port, "127.0.0.7");
        if ((await newcomer.ask("0:new:pw\n", /^0:\d+\n/)) !== undefined) newcomers++;
        newcomer.drop();
      },
      async finish() {
        const { p99Ms, lost } = await pulse.stop();
        for (const wire of strangers) wire.socket.resetAndDestroy();
        await server.stop();
        const { complaints } = server;
        return [
          { name: "connects a second", value: made / tries, unit: "" },
          { name: "the user's p99", value: p99Ms, unit: "ms", most: 100 },
          { name: "the user's messages lost", value: lost, unit: "", most: 0 },
          { name: "newcomers that got in", value: (newcomers / tries) * 100, unit: "%" },
          { name: "errors in the log", value: complaints.length, unit: "", most: 0, details: complaints },
        ];
      },
      abort: () => Promise.all([pulse.stop(), server.stop()]),
    };
  },
};
