import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { Pulse } from "../pulse.ts";
import { Random } from "../random.ts";
import type { Scenario } from "../scenario.ts";
import { Server } from "../server.ts";
import { after, Wire } from "../wire.ts";

/** Forged and broken datagrams from sockets without a session, beside two who talk by UDP. */
export const datagrams: Scenario = {
  name: "datagrams",
  title:
    "forged, broken and guessed datagrams from strangers: none is answered, none delivered, the socket lives",
  promises: [2, 12, 13],
  unit: "datagrams",
  amount: 1_000_000,
  step: 2_000,
  short: 2_000,
  async start({ seed }) {
    const server = await Server.start();
    const [ann, bob] = [await member(server, "ann"), await member(server, "bob")];
    const pulse = await Pulse.start(server.port("colon-relay"));
    // One that shares the users' address, as somebody behind the same router does, and one that does not.
    const strangers = await Promise.all([socketAt("127.0.0.1"), socketAt("127.0.0.9")]);
    const answers: string[] = [];
    for (const stranger of strangers)
      stranger.on("message", (bytes) => answers.push(bytes.toString("latin1")));
    const forged: string[] = [];
    let unheard = 0;
    for (const { socket } of [ann, bob]) {
      socket.on(
        "message",
        (bytes) => /forged/.test(bytes.toString("latin1")) && forged.push(bytes.toString("latin1")),
      );
    }
    return {
      async step(done, count) {
        const random = Random.at(seed, done);
        for (let i = 0; i < count; i++) {
          const stranger = strangers[i % 2] as Socket;
          stranger.send(forge(random, [ann.id, bob.id]), server.ready["colon-relay"].udp, "127.0.0.1");
          if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
        }
        // The two hear each other still. What floods a socket may push out a datagram: they try again.
        let heard = false;
        for (let tries = 0; tries < 20 && !heard; tries++) {
          const text = `${done}-${tries}`;
          // Who is not heard for 30 s may be bound anew from its address, as by a stranger behind the same router.
          bob.socket.send(`${bob.id}:3:0:${text}`, server.ready["colon-relay"].udp, "127.0.0.1");
          const came = once(bob.socket, "message");
          ann.socket.send(`${ann.id}:3:0:${text}`, server.ready["colon-relay"].udp, "127.0.0.1");
          heard = await Promise.race([came.then(() => true), after(250).then(() => false)]);
        }
        if (!heard) unheard++;
      },
      async finish() {
        await after(200);
        const { lost } = await pulse.stop();
        const exits = server.isRunning ? 0 : 1;
        for (const socket of [...strangers, ann.socket, bob.socket]) socket.close();
        await server.stop();
        const { complaints } = server;
        return [
          { name: "exits", value: exits, unit: "", most: 0 },
          { name: "datagrams to strangers", value: answers.length, unit: "", most: 0, details: answers },
          { name: "forged ones delivered", value: forged.length, unit: "", most: 0, details: forged },
          { name: "times that users did not hear each other", value: unheard, unit: "", most: 0 },
          { name: "messages by stream lost", value: lost, unit: "", most: 0 },
          { name: "errors in the log", value: complaints.length, unit: "", most: 0, details: complaints },
        ];
      },
      abort: () => Promise.all([pulse.stop(), server.stop()]),
    };
  },
};

interface Member {
  readonly id: number;
  readonly socket: Socket;
}

/** A member of the room who has bound its datagrams. */
async function member(server: Server, name: string): Promise<Member> {
  const wire = await Wire.connect(server.port("colon-relay"));
  const [, id] = /(\d+)\n/.exec((await wire.ask(`0:${name}:pw\n2:air\n`, /0:\d+\n/)) ?? "") ?? [];
  const socket = await socketAt("127.0.0.1");
  const bound = once(socket, "message");
  socket.send(`0:${id}`, server.ready["colon-relay"].udp, "127.0.0.1");
  await bound;
  return { id: Number(id), socket };
}

async function socketAt(address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}

/** What a stranger who knows the ids sends in their name. */
function forge(random: Random, ids: readonly number[]): Uint8Array {
  const id = random.below(3) === 0 ? 65_536 + random.below(2 ** 31 - 65_536) : random.pick(ids);
  const body = "forged";
  switch (random.below(7)) {
    case 0:
      return Buffer.from(`0:${id}`);
    case 1:
      return Buffer.from(`${id}:0:${body}`);
    case 2:
      return Buffer.from(`${id}:3:${random.below(4)}:${body}`);
    case 3:
      return Buffer.from(`3:${random.below(4)}:${body}`);
    case 4:
      return Buffer.from(`${id}:4:group:${body}`);
    case 5:
      return Buffer.concat([Buffer.from(`${id}:3:1:`), random.bytes(random.below(40))]);
    default:
      return random.bytes(random.below(1_400));
  }
}
