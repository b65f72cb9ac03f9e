import { Failure } from "../failure.ts";
import { Pulse, quantile } from "../pulse.ts";
import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { after, commaFrame, Wire } from "../wire.ts";

const PER_SECOND = 200;
const CLIENTS = 100;
/** What no output may hold. */
const PASSWORD = "hunter2-9f31c6";

/** Logins at more than the processors can hash, right and wrong ones, beside a relay; and how long single ones take. */
export const logins: Scenario = {
  name: "logins",
  title: `${PER_SECOND} logins a second, beside a relay; unknown users and wrong passwords answered alike`,
  promises: [14, 15, 19],
  unit: "seconds",
  amount: 60,
  step: 1,
  short: 2,
  async start() {
    const server = await Server.start({
      "limits.loginFailuresPerMinute": 1_000_000,
      "limits.loginFailuresPerIp": 1_000_000,
      "log.level": "trace",
    });
    const port = server.port("comma-command");
    const wires = await Promise.all(Array.from({ length: CLIENTS }, () => Wire.connect(port)));
    const [first] = wires as [Wire];
    await first.ask(commaFrame(`register,ann-ann,${PASSWORD}`), /ok|error/);
    // One at a time, in turns: with nobody waiting, a difference would show.
    const times: Record<string, number[]> = { "ann-ann": [], "nobody-at-all": [] };
    const answers = new Set<string>();
    for (let i = 0; i < 40; i++) {
      for (const name of Object.keys(times)) {
        const from = performance.now();
        const answer = await first.ask(
          commaFrame(`login,${name},${PASSWORD}x`),
          /error[^\0]*password is wrong/,
        );
        if (answer === undefined) throw new Failure(`a wrong login was not refused: ${server.complaints[0]}`);
        answers.add(answer);
        times[name]?.push(performance.now() - from);
      }
    }
    const [known, unknown] = Object.values(times).map((list) => quantile(list, 0.5)) as [number, number];
    const pulse = await Pulse.start(server.port("colon-relay"));
    const counts = { asked: 0, in: 0, refused: 0 };
    for (const wire of wires) {
      wire.socket.removeAllListeners("data");
      wire.socket.on("data", (chunk: Buffer) => {
        const text = chunk.toString("latin1");
        counts.in += text.split("ok").length - 1;
        counts.refused += text.split("error,").length - 1;
      });
    }
    return {
      async step() {
        const until = performance.now() + 1_000;
        for (let sent = 0; sent < PER_SECOND; sent++) {
          const name = ["ann-ann", "ann-ann", "nobody-at-all"][sent % 3];
          const wire = wires[counts.asked++ % CLIENTS] as Wire;
          wire.send(commaFrame(`login,${name},${PASSWORD}${sent % 3 === 1 ? "x" : ""}`));
          const dueAt = until - 1_000 * (1 - (sent + 1) / PER_SECOND);
          if (dueAt > performance.now()) await after(dueAt - performance.now());
        }
      },
      async finish() {
        const { p99Ms, lost } = await pulse.stop();
        for (const wire of wires) wire.drop();
        await server.stop();
        const shown = server.output.filter((line) => line.includes(PASSWORD));
        return [
          { name: "the relay's p99", value: p99Ms, unit: "ms", most: 50 },
          { name: "the relay's messages lost", value: lost, unit: "", most: 0 },
          { name: "logins answered ok", value: counts.in, unit: "", least: 1 },
          { name: "logins refused", value: counts.refused, unit: "" },
          {
            name: "different answers to wrong user and wrong password",
            value: answers.size - 1,
            unit: "",
            most: 0,
          },
          { name: "medians apart", value: (Math.abs(known - unknown) / known) * 100, unit: "%", most: 10 },
          { name: "passwords in the output", value: shown.length, unit: "", most: 0, details: shown },
        ];
      },
      abort: () => Promise.all([pulse.stop(), server.stop()]),
    };
  },
};
