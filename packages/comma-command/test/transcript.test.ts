import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { decodeText, encodeText } from "@wireyard/framing";
import { createHub, type Hub, memoryAccounts } from "@wireyard/session";
import { listenTcp } from "@wireyard/transport";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type Command, commaCommand } from "../src/server.ts";
import { concat, frame } from "./harness.ts";

/** A command whose answer takes a while: what stands behind it has to wait. */
const later: Command = {
  name: "later",
  check: () => true,
  handler: (args) => new Promise((resolve) => setImmediate(() => resolve(["later", ...args]))),
};

/** Serves a hub of its own on a free port, until the test is over. */
async function serve(): Promise<{ hub: Hub; port: number }> {
  const hub = createHub({ accounts: memoryAccounts({ iterations: 1 }) });
  const listener = await listenTcp(commaCommand(hub, { commands: [later] }), { port: 0 });
  onTestFinished(() => listener.close());
  return { hub, port: listener.port };
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  return socket;
}

/** Sends `chunks`, each in its own write, ends, and gives all that comes back. */
async function converse(port: number, chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  const socket = await open(port);
  const received: Uint8Array[] = [];
  socket.on("data", (chunk) => received.push(chunk));
  const ended = once(socket, "end");
  for (const chunk of chunks) await new Promise((resolve) => socket.write(chunk, resolve));
  socket.end();
  await ended;
  return concat(...received);
}

/** Says frames and gives the data of as many that come back, by one `data` event or several. */
async function ask(socket: Socket, ...data: readonly string[]): Promise<string[]> {
  socket.write(concat(...data.map(frame)));
  const frames: string[] = [];
  let held: Uint8Array = new Uint8Array(0);
  while (frames.length < data.length) {
    const [chunk] = (await once(socket, "data")) as [Uint8Array];
    held = concat(held, chunk);
    for (;;) {
      const end = held.length < 5 ? Infinity : 5 + new DataView(held.buffer).getUint32(0);
      if (held.length < end) break;
      frames.push(decodeText(held.slice(5, end)) as string);
      held = held.slice(end);
    }
  }
  return frames;
}

/** What is said, and what is answered to it; a good frame is written as its data. */
const TRANSCRIPT: readonly [said: string | Uint8Array, answers: readonly string[]][] = [
  ["nop", [""]],
  ["req,0,whoami", ["req,0,error,nonfatal,not_logged_in,log in first\\, with login"]],
  ["register,ann,secret", ["ok"]],
  ["req,1,login,ann,secret", ["req,1,ok"]],
  ["whoami", ["user,ann"]],
  ["send,ann,text,h\\é,a\\,b,", ["send,ann,text,hé,a\\,b,", "ok"]],
  ["req,a\\,b,send,ann,😀", ["send,ann,😀", "req,a\\,b,ok"]],
  ["send,nobody,x", ["error,nonfatal,wrong_user_or_password,there is no such user"]],
  ["req,2,req,3,nop", ["req,2,error,nonfatal,syntax,a req cannot hold another req"]],
  [
    "req,4,nop\\",
    ["req,4,error,nonfatal,syntax,a backslash at the end escapes nothing; a backslash itself is \\\\\\\\"],
  ],
  ["req,5,login,ann", ["req,5,error,nonfatal,syntax,the form is login\\,<user>\\,<password>"]],
  ["later,\\,", ["later,\\,"]],
  [Uint8Array.of(0x6e, 0xc3), ["error,nonfatal,syntax,the data are not UTF-8"]],
  ["req,123456,nop", ["req,123456"]],
  ["req,6,later", ["req,6,later"]],
  ["req,7,nop", ["req,7"]],
];
const BROKEN = Uint8Array.of(0, 0, 0, 3, 9);
const SAID = concat(...TRANSCRIPT.map(([said]) => frame(said)), BROKEN, frame("nop"));
const ANSWERED = concat(
  ...TRANSCRIPT.flatMap(([, answers]) => answers).map(frame),
  frame("error,fatal,syntax,the byte after the length is 09\\, not 00"),
);

test("[COMMA-1.9] [COMMA-3.6] one transcript gives the same bytes sent whole, byte by byte and in random cuts", async () => {
  const talk = async (chunks: readonly Uint8Array[]): Promise<string | undefined> => {
    const { port } = await serve();
    return decodeText(await converse(port, chunks));
  };
  const answered = decodeText(ANSWERED);
  expect(await talk([SAID])).toBe(answered);
  expect(await talk(Array.from(SAID, (byte) => Uint8Array.of(byte)))).toBe(answered);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(SAID.length), { maxLength: 12 }), async (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), SAID.length];
      const chunks = places.slice(1).map((end, i) => SAID.slice(places[i], end));
      expect(await talk(chunks)).toBe(answered);
    }),
    { seed: 3_291, numRuns: 20 },
  );
});

test("a client that ends its sending at once gets the answers that are due, those that have to wait too", async () => {
  const { port } = await serve();
  const said = ["req,1,register,ann,secret", "req,2,login,ann,secret", "req,3,later", "req,4,whoami"];
  const answers = ["req,1,ok", "req,2,ok", "req,3,later", "req,4,user,ann"];
  expect(await converse(port, [concat(...said.map(frame))])).toEqual(concat(...answers.map(frame)));
});

// The example in the description of the original, "Default commands", send.
test("[COMMA-2.7] [COMMA-3.5] a user's command arrives with the sender in place of the receiver", async () => {
  const { port } = await serve();
  const [fier, fier2] = [await open(port), await open(port)];
  expect(await ask(fier, "register,fier,one", "login,fier,one")).toEqual(["ok", "ok"]);
  expect(await ask(fier2, "register,fier2,two", "login,fier2,two")).toEqual(["ok", "ok"]);
  const arrived = once(fier2, "data");
  expect(await ask(fier, "send,fier2,text,hello")).toEqual(["ok"]);
  expect(await arrived).toEqual([Buffer.from(frame("send,fier,text,hello"))]);
  expect(await ask(fier2, "req,1,send,fier,text,hello you")).toEqual(["req,1,ok"]);
});

test("[COMMA-3.7] an unknown user and a wrong password are answered with identical bytes", async () => {
  const { port } = await serve();
  await converse(port, [frame("register,ann,secret")]);
  const [unknown, wrong] = [
    await converse(port, [frame("req,1,login,bob,secret")]),
    await converse(port, [frame("req,1,login,ann,wrong")]),
  ];
  expect(unknown).toEqual(wrong);
  expect(unknown).toEqual(
    frame("req,1,error,nonfatal,wrong_user_or_password,the user does not exist or the password is wrong"),
  );
});

test.each([
  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
  "POST / HTTP/1.1\r\n\r\n\0\0\0\x03\0nop",
  "OPTIONS * HTTP/1.1\r\n\r\n",
])("[COMMA-1.8] HTTP is closed without a byte: %j", async (text) => {
  const { port } = await serve();
  const socket = await open(port);
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
  });
  const ended = once(socket, "end");
  socket.write(encodeText(text));
  await ended;
  expect(received).toBe(0);
});

test("bad bytes of one client close it, and another goes on", async () => {
  const { port } = await serve();
  const good = await open(port);
  expect(await ask(good, "register,ann,secret", "login,ann,secret")).toEqual(["ok", "ok"]);
  for (const bad of [Uint8Array.of(0xff, 0xff, 0xff, 0xff), BROKEN]) {
    expect(decodeText((await converse(port, [bad])).slice(5))).toMatch(/^error,fatal,/);
  }
  expect(await ask(good, "whoami")).toEqual(["user,ann"]);
});

test("[COMMA-4.7] a reader that does not read is cut, and nobody else waits", async () => {
  const { hub, port } = await serve();
  const [stuck, bob] = [await open(port), await open(port)];
  expect(await ask(stuck, "register,ann,secret", "login,ann,secret")).toEqual(["ok", "ok"]);
  expect(await ask(bob, "register,bob,secret", "login,bob,secret")).toEqual(["ok", "ok"]);
  stuck.pause();
  const much = Array.from({ length: 16 }, () => `send,ann,${"x".repeat(60_000)}`);
  // The kernel takes some megabytes before anything waits in the server.
  while (hub.sessionsOf("ann").size > 0) {
    expect(new Set(await ask(bob, ...much))).toEqual(new Set(["ok"]));
  }
  expect(await ask(bob, "whoami")).toEqual(["user,bob"]);
});
