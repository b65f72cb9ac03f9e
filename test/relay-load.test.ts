import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { colonRelay } from "@wireyard/colon-relay/server";
import { createHub, memoryAccounts } from "@wireyard/session";
import { listenTcp } from "@wireyard/transport";
import { expect, test } from "vitest";

const ROOMS = 100;
const MEMBERS = 10;
const MESSAGES_EACH = 100;
/** Kinds in turn: others, all, others ordered, all ordered. The first of a room sends no 3:2, so it hears all. */
const KINDS = [0, 1, 2, 3];

interface Member {
  socket: Socket;
  room: number;
  index: number;
  /** `<sender>.<number>.<kind>` of each message, in the order it came. */
  heard: string[];
  rest: string;
}

const kindOf = (member: Member, number: number): number => {
  const kind = KINDS[number % KINDS.length] as number;
  return member.index === 0 && kind === 2 ? 3 : kind;
};

async function join(port: number, room: number, index: number, heardOne: () => void): Promise<Member> {
  const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
  const member: Member = { socket, room, index, heard: [], rest: "" };
  const joined = new Promise<void>((resolve) => {
    socket.on("data", (data: Buffer) => {
      const lines = (member.rest + data.toString("latin1")).split("\n");
      member.rest = lines.pop() as string;
      for (const line of lines) {
        if (line.startsWith("3:")) {
          member.heard.push(line.slice(line.indexOf(":", 2) + 1));
          heardOne();
        } else if (line.startsWith("4:")) resolve();
      }
    });
  });
  await once(socket, "connect");
  socket.write(`0:u${room}-${index}:pw\n2:room ${room}\n`);
  await joined;
  return member;
}

test("1,000 clients in 100 rooms exchange 100,000 messages: each once, in order, the ordered in one order", async () => {
  const hub = createHub({ accounts: memoryAccounts(), limits: { connectionRatePerIp: 10_000 } });
  const listener = await listenTcp(colonRelay(hub), { port: 0 });
  let left = 0;
  let done: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const heardOne = (): void => {
    if (--left === 0) done();
  };
  const members: Member[] = [];
  try {
    for (let room = 0; room < ROOMS; room++) {
      for (let index = 0; index < MEMBERS; index++)
        members.push(await join(listener.port, room, index, heardOne));
    }
    for (const member of members) {
      for (let number = 0; number < MESSAGES_EACH; number++) {
        left += kindOf(member, number) % 2 === 1 ? MEMBERS : MEMBERS - 1;
      }
    }
    const expected = left;
    // In waves, so that the messages of all members of a room mix.
    for (let wave = 0; wave < MESSAGES_EACH; wave += 10) {
      for (const member of members) {
        let lines = "";
        for (let number = wave; number < wave + 10; number++) {
          const kind = kindOf(member, number);
          lines += `3:${kind}:${member.index}.${number}.${kind}\n`;
        }
        member.socket.write(lines);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
    expect(members.reduce((sum, { heard }) => sum + heard.length, 0)).toBe(expected);
    for (const member of members) {
      const room = members.filter((other) => other.room === member.room);
      for (const sender of room) {
        const own = sender === member;
        const sent = Array.from(
          { length: MESSAGES_EACH },
          (_, number) => [number, kindOf(sender, number)] as const,
        );
        const due = sent
          .filter(([, kind]) => !own || kind % 2 === 1)
          .map(([number, kind]) => `${sender.index}.${number}.${kind}`);
        expect(member.heard.filter((text) => text.startsWith(`${sender.index}.`))).toEqual(due);
      }
      const ordered = (heard: readonly string[]): string[] =>
        heard.filter(
          (text) => /[23]$/.test(text) && !(text.startsWith(`${member.index}.`) && text.endsWith("2")),
        );
      expect(ordered(member.heard)).toEqual(ordered((room[0] as Member).heard));
    }
  } finally {
    listener.close();
    for (const { socket } of members) socket.destroy();
  }
}, 60_000);
