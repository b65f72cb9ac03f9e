import { decodeText, encodeText } from "@wireyard/framing";
import { memoryAccounts, memoryBackplane, RefusedError } from "@wireyard/session";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFields } from "../src/index.ts";
import { bench, concat, frame, SlowCommand } from "./harness.ts";

test("[COMMA-2.4] [COMMA-2.5] [COMMA-2.6] a user registers, logs in and is told who it is", async () => {
  const client = bench().connect();
  expect(await client.ask("register,ann,secret")).toBe("ok");
  expect(await client.ask("whoami")).toBe("error,nonfatal,not_logged_in,log in first\\, with login");
  expect(await client.ask("login,ann,secret")).toBe("ok");
  expect(await client.ask("whoami")).toBe("user,ann");
});

test("[COMMA-2.5] a second login switches the user, a failed one does not", async () => {
  const client = bench().connect();
  await client.enter("ann");
  await client.enter("bob");
  expect(await client.ask("whoami")).toBe("user,bob");
  expect(await client.ask("login,ann,wrong")).toMatch(/^error,nonfatal,wrong_user_or_password,/);
  expect(await client.ask("whoami")).toBe("user,bob");
});

test("[COMMA-4.2] a user is found whatever the case of its letters, and is called as it registered", async () => {
  const client = bench().connect();
  await client.ask("register,Ann,secret");
  expect(await client.ask("register,aNN,other")).toBe("error,nonfatal,invalid_name,the user name is taken");
  expect(await client.ask("login,ANN,secret")).toBe("ok");
  expect(await client.ask("whoami")).toBe("user,Ann");
});

test("[COMMA-3.7] login answers identical bytes for an unknown user and a wrong password", async () => {
  const { connect } = bench();
  await connect().ask("register,ann,secret");
  const answers: Uint8Array[] = [];
  for (const login of ["ann,wrong", "nobody,secret", ",x", "a\\,b,x", "\u202e,x"]) {
    const client = connect();
    await client.ask(`login,${login}`);
    answers.push(client.bytes);
  }
  expect(new Set(answers.map((bytes) => decodeText(bytes))).size).toBe(1);
});

test("[COMMA-2.8] [COMMA-3.3] nop is answered by the empty frame, and under req by the ID alone", async () => {
  const client = bench().connect();
  client.say("nop", "req,123456,nop");
  expect(await client.next(2)).toEqual(["", "req,123456"]);
  expect(client.bytes).toEqual(concat(Uint8Array.of(0, 0, 0, 0, 0), frame("req,123456")));
});

test.each([
  ["req,1,whoami", "req,1,user,ann"],
  ["req,,nop", "req,"],
  ["req,a\\,b\\\\,nop", "req,a\\,b\\\\"],
  ["req,\\a,nop", "req,a"],
  ["req,é😀,nop", "req,é😀"],
  ["req,1,send,ann,x", "req,1,ok"],
  ["req,1,foo", /^req,1,error,nonfatal,command_not_found,/],
  ["req,1,login,ann", /^req,1,error,nonfatal,syntax,/],
  ["req,1,login,ann,wrong", /^req,1,error,nonfatal,wrong_user_or_password,/],
  ["req,1,req,2,nop", /^req,1,error,nonfatal,syntax,/],
  ["req,1,r\\eq,2,nop", /^req,1,error,nonfatal,syntax,/],
  ["req,1", /^req,1,error,nonfatal,syntax,/],
  ["req,", /^req,,error,nonfatal,syntax,/],
  ["req", /^error,nonfatal,syntax,/],
  ["req,1,", /^req,1,error,nonfatal,command_not_found,/],
  ["req,1,nop\\", /^req,1,error,nonfatal,syntax,/],
  ["req,1\\", /^error,nonfatal,syntax,/],
])("[COMMA-2.2] [COMMA-2.3] [COMMA-3.2] %s is answered %s", async (data, answer) => {
  const client = bench().connect();
  await client.enter("ann");
  client.say(data, "req,last,nop");
  const answers = (await client.next(data.includes("send") ? 3 : 2)).filter(
    (answer) => !answer.startsWith("send,"),
  );
  if (typeof answer === "string") expect(answers[0]).toBe(answer);
  else expect(answers[0]).toMatch(answer);
  expect(answers[1]).toBe("req,last");
});

test.each([
  ["register", "the form is register\\,<user>\\,<password>"],
  ["register,ann", "the form is register\\,<user>\\,<password>"],
  ["register,ann,secret,more", "the form is register\\,<user>\\,<password>"],
  ["register,ann,", "the form is register\\,<user>\\,<password>"],
  ["login,ann", "the form is login\\,<user>\\,<password>"],
  ["login,ann,", "the form is login\\,<user>\\,<password>"],
  ["whoami,", "the form is whoami"],
  ["nop,x", "the form is nop"],
  ["send", "the form is send\\,<user>\\,<command>\\,…"],
  ["send,ann", "the form is send\\,<user>\\,<command>\\,…"],
])("[COMMA-2.9] %s is a syntax error that tells the form", async (data, info) => {
  expect(await bench().connect().ask(data)).toBe(`error,nonfatal,syntax,${info}`);
});

test.each(["", " nop", "nop ", "NOP", "whoami\0", "rèq", "__proto__", "constructor"])(
  "[COMMA-2.1] %j is no command, and the answer tells which there are",
  async (data) => {
    expect(await bench().connect().ask(data)).toBe(
      "error,nonfatal,command_not_found,there is no such command; there are: req register login whoami send nop help",
    );
  },
);

test("[COMMA-2.1] a command whose name is written with escapes is found", async () => {
  expect(await bench().connect().ask("\\n\\op")).toBe("");
});

// Sending.

test("[COMMA-2.7] [COMMA-3.5] every session of a user gets a send, its own sender too, never under req", async () => {
  const { connect } = bench();
  const [ann, bob, other] = [connect(), connect(), connect()];
  await ann.enter("ann");
  await bob.enter("bob");
  expect(await other.ask("login,bob,secret")).toBe("ok");
  ann.say("req,9,send,bob,text,hello", "send,ann,note");
  expect(await ann.next(3)).toEqual(["req,9,ok", "send,ann,note", "ok"]);
  expect(await bob.next(1)).toEqual(["send,ann,text,hello"]);
  expect(await other.next(1)).toEqual(["send,ann,text,hello"]);
});

test("[COMMA-2.7] arguments arrive byte for byte, in the one escaped form", async () => {
  const { connect } = bench();
  const [ann, bob] = [connect(), connect()];
  await ann.enter("ann");
  await bob.enter("bob");
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: fc.constantFrom(",", "\\", "é", " ") })),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
      async (fields) => {
        ann.write(encodeFields(["send", "bob", ...fields]));
        expect(await ann.next(1)).toEqual(["ok"]);
        expect(await bob.next(1)).toEqual([decodeText(encodeFields(["send", "ann", ...fields]).slice(5))]);
      },
    ),
    { seed: 7, numRuns: 100 },
  );
  ann.say("send,bob,\\a\\,\\\\,,");
  expect(await bob.next(1)).toEqual(["send,ann,a\\,\\\\,,"]);
});

test("[COMMA-3.6] sends of one client arrive in their order", async () => {
  const { connect } = bench();
  const [ann, bob] = [connect(), connect()];
  await ann.enter("ann");
  await bob.enter("bob");
  const numbers = Array.from({ length: 200 }, (_, i) => String(i));
  ann.say(...numbers.map((number) => `send,bob,${number}`));
  expect(await bob.next(200)).toEqual(numbers.map((number) => `send,ann,${number}`));
});

test("a user is reached on another node of the same back plane", async () => {
  const accounts = memoryAccounts({ iterations: 1 });
  const backplane = memoryBackplane();
  const [here, there] = [bench({}, { accounts, backplane }), bench({}, { accounts, backplane })];
  const [ann, bob] = [here.connect(), there.connect()];
  await ann.enter("ann");
  await bob.enter("bob");
  expect(await ann.ask("send,bob,text,a\\,b")).toBe("ok");
  expect(await bob.next(1)).toEqual(["send,ann,text,a\\,b"]);
});

test("a session that switched its user gets what is sent to the new one alone", async () => {
  const { connect } = bench();
  const [ann, other] = [connect(), connect()];
  await other.enter("carol");
  await other.enter("bob");
  await ann.enter("ann");
  ann.say("send,carol,one", "send,bob,two");
  expect(await ann.next(2)).toEqual(["ok", "ok"]);
  expect(await other.next(1)).toEqual(["send,ann,two"]);
});

// Order, neighbours, closing.

test("[COMMA-3.6] pipelined requests are answered in order, though some have to wait", async () => {
  const slow = new SlowCommand();
  const { connect } = bench({ commands: [slow] });
  const client = connect();
  client.say("req,1,slow", "req,2,nop", "req,3,register,ann,secret", "req,4,nop", "req,5,slow", "req,6,foo");
  await slow.call(1);
  (await slow.call(1)).resolve(["a,b"]);
  await slow.call(2);
  (await slow.call(2)).resolve([]);
  const answers = await client.next(6);
  expect(answers.slice(0, 5)).toEqual(["req,1,a\\,b", "req,2", "req,3,ok", "req,4", "req,5"]);
  expect(answers[5]).toMatch(/^req,6,error,/);
});

test("bad input, a slow request and a cut connection of one client do not touch another", async () => {
  const slow = new SlowCommand();
  const { connect, reports } = bench({ commands: [slow] });
  const good = connect();
  await good.enter("ann");
  const bad = [connect(), connect(), connect(), connect()] as const;
  bad[0].write(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  bad[1].write(Uint8Array.of(0, 0, 0, 1, 7));
  bad[2].write(frame(Uint8Array.of(0xff)), frame("\\"), Uint8Array.of(0, 0));
  bad[3].say("slow");
  bad[2].end();
  bad[3].end();
  expect(await good.ask("whoami")).toBe("user,ann");
  await Promise.all([bad[0].closed, bad[1].closed, bad[2].closed]);
  good.say("send,ann,still here");
  expect(await good.next(2)).toEqual(["send,ann,still here", "ok"]);
  (await slow.call(1)).reject(new RefusedError("unavailable", "too late"));
  expect(reports).toEqual([]);
});

test("[COMMA-1.8] HTTP is closed without a byte, whole or byte by byte", async () => {
  const { connect } = bench();
  const request = encodeText("POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\n\0\0\0\x03\0nop");
  const [whole, dripping] = [connect(), connect()];
  whole.write(request);
  for (const byte of request) dripping.write(Uint8Array.of(byte));
  await Promise.all([whole.closed, dripping.closed]);
  expect([whole.bytes.length, dripping.bytes.length]).toEqual([0, 0]);
});

test("a session is gone with its connection, and its user is not reached any more", async () => {
  const { connect, hub } = bench();
  const client = connect();
  await client.enter("ann");
  expect(hub.sessionsOf("ann").size).toBe(1);
  client.end();
  await client.closed;
  // Both ends of its link have gone by the time another client is served.
  await connect().ask("nop");
  expect([...hub.sessions()].map((session) => session.user)).toEqual([undefined]);
  expect(hub.sessionsOf("ann").size).toBe(0);
});

test("[COMMA-4.9] a session that is closed from outside has what it was answered, and no command of it runs any more", async () => {
  const { connect, hub } = bench();
  const client = connect();
  await client.enter("ann");
  for (const session of hub.sessions()) session.peer.close("shutting down");
  client.say("send,ann,too late");
  expect(await client.closed).toBe("ended");
  expect(await client.next(0)).toEqual([]);
  expect(hub.sessionCount).toBe(0);
});

test("[COMMA-4.9] a session that is closed from outside while a request waits has it answered first", async () => {
  const slow = new SlowCommand();
  const { connect, hub } = bench({ commands: [slow] });
  const client = connect();
  client.say("req,1,slow", "req,2,nop");
  await slow.call(1);
  for (const session of hub.sessions()) session.peer.close("shutting down");
  (await slow.call(1)).resolve(["done"]);
  expect(await client.closed).toBe("ended");
  expect(client.bytes).toEqual(frame("req,1,done"));
  expect(hub.sessionCount).toBe(0);
});

test("a connection over the limit of its address is closed without a byte", async () => {
  const { connect, reports } = bench({}, { limits: { connectionsPerIp: 1 } });
  const [first, second] = [connect(), connect()];
  await second.closed;
  expect(second.bytes.length).toBe(0);
  expect(await first.ask("nop")).toBe("");
  expect(reports).toEqual([]);
});

test("whatever the bytes, the server answers or closes, and serves the next client", async () => {
  const { connect, reports } = bench({}, { limits: { connectionRatePerIp: 1_000, frameTimeoutMs: 100 } });
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc
      .string({ unit: fc.constantFrom("req,", "nop", "send,", ",", "\\", "é", "whoami"), maxLength: 8 })
      .map(frame),
    fc
      .array(fc.string({ maxLength: 8 }), { minLength: 1, maxLength: 4 })
      .map((fields) => encodeFields(fields)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
      const client = connect();
      client.write(...pieces);
      const other = connect();
      expect(await other.ask("req,1,nop")).toBe("req,1");
      client.end();
      other.end();
      await Promise.all([client.closed, other.closed]);
    }),
    { seed: 8, numRuns: 200 },
  );
  expect(reports).toEqual([]);
});
