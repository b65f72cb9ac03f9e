import { createHash } from "node:crypto";
import { Random } from "../random.ts";
import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { after, Wire } from "../wire.ts";

const MEMBERS = 4;
const LONGEST = 600;

/** Random payloads to a room: every member's bytes, and the sender's, have one hash. */
export const payloads: Scenario = {
  name: "payloads",
  title: `random payloads to a room of ${MEMBERS}, cut anywhere: the hash of what each got is that of what was sent`,
  promises: [3, 21],
  unit: "payloads",
  amount: 1_000_000,
  step: 5_000,
  short: 1_000,
  async start({ seed }) {
    const server = await Server.start();
    const join = async (i: number): Promise<Wire> => {
      const wire = await Wire.connect(server.port("colon-relay"));
      await wire.ask(`0:m${i}:pw\n2:room\n`, /^4:\d+\n/m);
      return wire;
    };
    const members: Wire[] = [];
    for (let i = 0; i < MEMBERS; i++) members.push(await join(i));
    const sent = createHash("sha256");
    let sentBytes = 0;
    await after(100);
    const heard = members.map((wire) => {
      const got = { hash: createHash("sha256"), bytes: 0, rest: Buffer.alloc(0) as Buffer };
      wire.socket.removeAllListeners("data");
      wire.socket.on("data", (chunk: Buffer) => {
        let bytes = Buffer.concat([got.rest, chunk]);
        for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
          const line = bytes.subarray(0, end + 1);
          bytes = bytes.subarray(end + 1);
          if (line[0] !== 0x33) continue;
          const body = line.subarray(line.indexOf(58, 2) + 1);
          got.hash.update(body);
          got.bytes += body.length;
        }
        got.rest = bytes;
      });
      return got;
    });
    return {
      async step(done, count) {
        const random = Random.at(seed, done);
        const [sender] = members as [Wire];
        for (let i = 0; i < count; i += 50) {
          const lines: string[] = [];
          for (let j = 0; j < 50; j++) {
            const text = payload(random);
            lines.push(`3:${1 + 2 * random.below(2)}:${text}\n`);
            const body = Buffer.from(`${text}\n`);
            sent.update(body);
            sentBytes += body.length;
          }
          const bytes = Buffer.from(lines.join(""));
          const cut = random.below(bytes.length);
          sender.send(bytes.subarray(0, cut));
          await new Promise<void>((resolve) => sender.socket.write(bytes.subarray(cut), () => resolve()));
        }
        const until = performance.now() + 10_000;
        while (heard.some(({ bytes }) => bytes < sentBytes) && performance.now() < until) await after(5);
      },
      async finish() {
        for (const wire of members) wire.drop();
        await server.stop();
        const right = sent.digest("hex");
        const wrong = heard.filter(({ hash }) => hash.digest("hex") !== right).length;
        return [
          { name: "recipients with another hash", value: wrong, unit: "", most: 0 },
          { name: "bytes to each", value: sentBytes, unit: "" },
        ];
      },
      abort: () => server.stop(),
    };
  },
};

/** Any text without a line feed, and without a carriage return at its end: any byte that UTF-8 has, then. */
function payload(random: Random): string {
  const length = random.below(LONGEST);
  const characters = Array.from({ length }, () => {
    const code = random.pick([
      random.below(0x80),
      random.below(0x800),
      random.below(0xd800),
      0x10000 + random.below(0x10000),
    ]);
    return code === 10 || code === 13 ? ":" : String.fromCodePoint(code);
  });
  return characters.join("");
}
