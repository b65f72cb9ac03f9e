import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { encodeText } from "@wireyard/framing";
import { eachSplit } from "@wireyard/framing/testing";
import { createHub, memoryAccounts } from "@wireyard/session";
import { type Listener, listenTcp } from "@wireyard/transport";
import { afterEach, expect, test } from "vitest";
import { colonRelay } from "../src/server.ts";

const listeners: Listener[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
});

const TRANSCRIPT = "1\n0:ann:pw\r\n0:bob:pw\n1\n2:né:pw\n3:1:a:b\n3:3:né\n3:0:x\n9\n1:pw\n2:-1\n3:1:x\n";

/** Says the chunks one write each, ends, and gives all that came back, the id as ID. */
async function talk(port: number, chunks: readonly Uint8Array[]): Promise<string> {
  const socket = createConnection({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  await once(socket, "connect");
  const received: Buffer[] = [];
  socket.on("data", (data: Buffer) => received.push(data));
  for (const chunk of chunks) await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
  socket.end();
  await once(socket, "close");
  return Buffer.concat(received)
    .toString()
    .replace(/\d{5,}/g, "ID");
}

test("[COLON-1.7] one transcript over a socket gives the same bytes however it is cut", async () => {
  const hub = createHub({ accounts: memoryAccounts(), limits: { connectionRatePerIp: 10_000 } });
  const listener = await listenTcp(colonRelay(hub), { port: 0 });
  listeners.push(listener);
  const answers = new Set<string>();
  for (const { chunks } of eachSplit(encodeText(TRANSCRIPT))) answers.add(await talk(listener.port, chunks));
  expect([...answers].map((answer) => answer.split("\n"))).toEqual([
    [
      "9:not_logged_in:log in first: 0:username:password",
      "0:ID",
      "9:already_logged_in:this connection is logged in already",
      "1:",
      "2:ID:né",
      "4:ID",
      "3:ID:a:b",
      "3:ID:né",
      "9:unknown_command:commands are 0 to 5",
      "1:né-1",
      "2:ID:",
      "9:not_in_room:not in a room",
      "",
    ],
  ]);
  await expect.poll(() => hub.sessionCount).toBe(0);
});

test("[COLON-1.8] a reader that does not read is cut, and the others get every message", async () => {
  const hub = createHub({ accounts: memoryAccounts() });
  const listener = await listenTcp(colonRelay(hub), { port: 0 });
  listeners.push(listener);
  const join = async (name: string): Promise<Socket> => {
    const socket = createConnection({ port: listener.port, host: "127.0.0.1", noDelay: true });
    socket.write(`0:${name}:pw\n2:lobby\n`);
    await once(socket, "data");
    return socket;
  };
  const [stuck, ann, bob] = [await join("stuck"), await join("ann"), await join("bob")];
  stuck.pause();
  stuck.on("error", () => {});
  let told: () => void = () => {};
  bob.on("data", (data: Buffer) => {
    if (data.at(-1) === 0x0a) told();
  });
  try {
    const line = `3:0:${"x".repeat(60_000)}\n`;
    // Bob hears each one before the next is said.
    while (hub.sessionCount === 3) {
      const heard = new Promise<void>((resolve) => {
        told = resolve;
      });
      ann.write(line);
      await heard;
    }
    expect([...hub.sessions()].map(({ name }) => name)).toEqual(["ann", "bob"]);
  } finally {
    for (const socket of [stuck, ann, bob]) socket.destroy();
  }
});
