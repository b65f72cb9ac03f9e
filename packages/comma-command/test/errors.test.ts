import { type AccountStore, memoryAccounts, RefusedError } from "@wireyard/session";
import { expect, test } from "vitest";
import { ERRORS, type ErrorCode } from "../src/index.ts";
import { type Bench, bench, frame, type RawClient, SlowCommand } from "./harness.ts";

/** How each code comes about, to a client of a server where nobody may register. */
const CAUSES: Record<ErrorCode, (client: RawClient, server: Bench, slow: SlowCommand) => unknown> = {
  unhandled: (client) => client.say("fail"),
  request_too_long: (client) => client.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff)),
  async timeout(client, server, slow) {
    client.say("slow");
    await slow.call(1);
    server.pass(5_050);
  },
  command_not_found: (client) => client.say("foo"),
  syntax: (client) => client.say("login"),
  name_too_short: (client) => client.say("register,ab,secret"),
  invalid_name: (client) => client.say("register,a b c,secret"),
  wrong_user_or_password: (client) => client.say("login,nobody,secret"),
  not_logged_in: (client) => client.say("whoami"),
  rate_limited: (client) => client.say("register,ann,secret"),
};

test.each(Object.keys(ERRORS) as ErrorCode[])("[COMMA-3.4] %s is told to who causes it", async (code) => {
  const slow = new SlowCommand();
  const fail = { name: "fail", check: () => true, handler: () => Promise.reject(new Error("inner")) };
  const server = bench({ commands: [slow, fail] }, { limits: { registrationsPerMinute: 0 } });
  const client = server.connect();
  await CAUSES[code](client, server, slow);
  const [answer = ""] = await client.next(1);
  const fatality = code === "request_too_long" ? "fatal" : "nonfatal";
  expect(answer.replaceAll("\\,", "")).toMatch(new RegExp(`^error,${fatality},${code},[^,]+$`));
  if (fatality === "fatal") expect(await client.closed).toBe("ended");
  else expect(await client.ask("req,1,nop")).toBe("req,1");
});

// What each is told for beside that.

test("[COMMA-3.8] unhandled: a handler that throws or rejects is told in neutral words, and reported", async () => {
  const error = new Error("the secret of the house");
  const { connect, reports } = bench({
    commands: [
      {
        name: "throw",
        check: () => true,
        handler() {
          throw error;
        },
      },
      { name: "reject", check: () => true, handler: () => Promise.reject(error) },
    ],
  });
  const client = connect();
  const answer = "error,nonfatal,unhandled,the server failed to do it";
  client.say("throw", "reject", "req,1,throw", "req,2,reject", "nop");
  expect(await client.next(5)).toEqual([answer, answer, `req,1,${answer}`, `req,2,${answer}`, ""]);
  expect(reports.map((report) => report.error)).toEqual([error, error, error, error]);
  expect(reports[0]?.problem).toContain('"throw"');
});

test("[COMMA-1.3] request_too_long: told as soon as the length is there, and then closed", async () => {
  const client = bench().connect();
  client.write(frame("nop"), Uint8Array.of(0, 0, 0x20, 0x01));
  expect(await client.next(2)).toEqual([
    "",
    "error,fatal,request_too_long,a frame of 8193 bytes is over 8192",
  ]);
  expect(await client.closed).toBe("ended");
});

test("[COMMA-4.3] a frame may be longer once its client is logged in", async () => {
  const client = bench().connect();
  await client.enter("ann");
  const long = `x${"é".repeat(30_000)}`;
  client.say(`send,ann,${long}`);
  expect(await client.next(2)).toEqual([`send,ann,${long}`, "ok"]);
  client.write(Uint8Array.of(0, 1, 0, 1));
  expect(await client.next(1)).toEqual(["error,fatal,request_too_long,a frame of 65537 bytes is over 65536"]);
  expect(await client.closed).toBe("ended");
});

test("[COMMA-4.3] the greater limit holds for what stands behind the login in one chunk", async () => {
  const client = bench().connect();
  await client.ask("register,ann,secret");
  const long = "x".repeat(60_000);
  client.say("login,ann,secret", `send,ann,${long}`);
  expect(await client.next(3)).toEqual(["ok", `send,ann,${long}`, "ok"]);
});

test("[COMMA-4.5] timeout: a request that does not finish is answered so, and the next one goes on", async () => {
  const slow = new SlowCommand();
  const { connect, pass, reports } = bench({ commands: [slow] });
  const client = connect();
  client.say("req,1,slow", "req,2,whoami", "slow", "nop");
  await slow.call(1);
  pass(5_050);
  expect((await client.next(2))[0]).toBe("req,1,error,nonfatal,timeout,the request took longer than 5000 ms");
  await slow.call(2);
  // What comes of the first now comes too late, well or not.
  (await slow.call(1)).resolve(["late"]);
  pass(5_050);
  const late = new Error("late");
  (await slow.call(2)).reject(late);
  expect(await client.next(2)).toEqual(["error,nonfatal,timeout,the request took longer than 5000 ms", ""]);
  expect(await client.ask("req,3,nop")).toBe("req,3");
  expect(reports.map(({ error }) => error)).toEqual([late]);
});

test("[COMMA-4.5] the time of a request is its own: the next one has all of it", async () => {
  const slow = new SlowCommand();
  const { connect, pass } = bench({ commands: [slow] });
  const client = connect();
  client.say("req,1,slow", "req,2,slow");
  await slow.call(1);
  pass(4_000);
  (await slow.call(1)).resolve();
  await slow.call(2);
  pass(4_000);
  (await slow.call(2)).resolve(["in time"]);
  expect(await client.next(2)).toEqual(["req,1,ok", "req,2,in time"]);
});

test("[COMMA-4.5] a login that was answered timeout does not log in later", async () => {
  const accounts = memoryAccounts({ iterations: 1 });
  let go: () => void = () => {};
  const held: AccountStore = {
    ...accounts,
    authenticate: async (name, password) => {
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      return accounts.authenticate(name, password);
    },
  };
  const { connect, pass } = bench({}, { accounts: held });
  const client = connect();
  await client.ask("register,ann,secret");
  client.say("req,1,login,ann,secret", "req,2,nop");
  const barrier = connect();
  await barrier.ask("nop");
  pass(5_050);
  expect(await client.next(2)).toEqual([expect.stringMatching(/^req,1,error,nonfatal,timeout,/), "req,2"]);
  go();
  await barrier.ask("register,bob,secret");
  expect(await client.ask("whoami")).toMatch(/^error,nonfatal,not_logged_in,/);
});

test("[COMMA-4.4] timeout: a frame that drips is cut when its time is over, however often a byte comes", async () => {
  const { connect, pass } = bench();
  const slow = connect();
  const other = connect();
  slow.write(frame("nop"), Uint8Array.of(0));
  await slow.next(1);
  for (const byte of [0, 0, 9]) {
    pass(3_000);
    slow.write(Uint8Array.of(byte));
    // Answered in the same tick: by then the byte is in, too.
    await other.ask("nop");
  }
  pass(1_050);
  expect(await slow.next(1)).toEqual(["error,fatal,timeout,a frame took longer than 10000 ms"]);
  expect(await slow.closed).toBe("ended");
  expect(await other.ask("nop")).toBe("");
});

test("[COMMA-4.4] the time of a frame ends with its last byte, not when its request is done", async () => {
  const slow = new SlowCommand();
  const { connect, pass } = bench({ commands: [slow] }, { limits: { requestTimeoutMs: 60_000 } });
  const client = connect();
  client.write(frame("nop"), Uint8Array.of(0, 0));
  await client.next(1);
  pass(9_000);
  client.write(frame("slow").subarray(2));
  await slow.call(1);
  pass(9_000);
  (await slow.call(1)).resolve(["done"]);
  expect(await client.next(1)).toEqual(["done"]);
});

test("[COMMA-4.6] timeout: a client that says nothing is cut, one that says something is not", async () => {
  const { connect, hub, pass } = bench();
  const silent = connect();
  const talking = connect();
  pass(200_000);
  await talking.ask("nop");
  pass(100_050);
  expect(await silent.next(1)).toEqual(["error,fatal,timeout,nothing came in for 300000 ms"]);
  expect(await silent.closed).toBe("ended");
  expect(hub.sessionCount).toBe(1);
  pass(100_050);
  expect(await talking.ask("nop")).toBe("");
});

test("[COMMA-1.2] syntax: a fifth byte other than 00 is told, and then closed", async () => {
  const client = bench().connect();
  client.write(frame("req,1,nop"), Uint8Array.of(0, 0, 0, 3, 1, 0x6e, 0x6f, 0x70), frame("nop"));
  expect(await client.next(2)).toEqual([
    "req,1",
    "error,fatal,syntax,the byte after the length is 01\\, not 00",
  ]);
  expect(await client.closed).toBe("ended");
});

test("[COMMA-1.5] [COMMA-1.7] syntax: what is not UTF-8, or ends in a backslash, is told, and the connection lives", async () => {
  const client = bench().connect();
  client.write(frame(Uint8Array.of(0x6e, 0x6f, 0x70, 0xff)), frame("nop\\"), frame("req,1,nop"));
  expect(await client.next(3)).toEqual([
    "error,nonfatal,syntax,the data are not UTF-8",
    expect.stringMatching(/^error,nonfatal,syntax,a backslash at the end/),
    "req,1",
  ]);
});

test.each([
  ["register,ab,secret", "name_too_short"],
  ["register,,secret", "name_too_short"],
  ["register,a b c,secret", "invalid_name"],
  ["register,a\\,b,secret", "invalid_name"],
  ["register,ännchen,secret", "invalid_name"],
  [`register,${"a".repeat(33)},secret`, "invalid_name"],
])("[COMMA-4.1] %s is answered %s", async (data, code) => {
  expect(await bench().connect().ask(data)).toMatch(new RegExp(`^error,nonfatal,${code},`));
});

test("[COMMA-2.4] invalid_name: so is a name that is taken, by one of two at once too", async () => {
  const { connect } = bench();
  const [a, b] = [connect(), connect()];
  const answers = await Promise.all([a.ask("register,ann,one"), b.ask("register,ann,two")]);
  expect(answers.sort()).toEqual(["error,nonfatal,invalid_name,the user name is taken", "ok"]);
});

test("[COMMA-4.8] rate_limited: registrations and failed logins over their limit", async () => {
  const { connect, pass } = bench({}, { limits: { registrationsPerMinute: 1, loginFailuresPerMinute: 2 } });
  const client = connect();
  expect(await client.ask("register,ann,secret")).toBe("ok");
  expect(await client.ask("register,bob,secret")).toMatch(/^error,nonfatal,rate_limited,/);
  await client.ask("login,ann,wrong");
  await client.ask("login,ann,wrong");
  expect(await client.ask("login,ann,secret")).toMatch(/^error,nonfatal,rate_limited,/);
  pass(60_000);
  expect(await client.ask("login,ann,secret")).toBe("ok");
});

test("[COMMA-4.8] rate_limited: messages over their limit", async () => {
  const { connect } = bench({}, { limits: { messagesPerSecond: 1 } });
  const client = connect();
  await client.enter("ann");
  client.say("send,ann,a", "send,ann,b");
  expect(await client.next(3)).toEqual([
    "send,ann,a",
    "ok",
    expect.stringMatching(/^error,nonfatal,rate_limited,/),
  ]);
});

test("[COMMA-2.7] wrong_user_or_password: send to a user who does not exist; one who is not there is ok", async () => {
  const { connect } = bench();
  const client = connect();
  await connect().ask("register,bob,secret");
  expect(await client.ask("send,bob,text")).toMatch(/^error,nonfatal,not_logged_in,/);
  await client.enter("ann");
  expect(await client.ask("send,bob,text")).toBe("ok");
  expect(await client.ask("send,nobody,text")).toBe(
    "error,nonfatal,wrong_user_or_password,there is no such user",
  );
});

test.each([
  ["invalid_name", "invalid_name"],
  ["name_too_short", "name_too_short"],
  ["name_taken", "invalid_name"],
  ["wrong_user_or_password", "wrong_user_or_password"],
  ["unknown_user", "wrong_user_or_password"],
  ["not_logged_in", "not_logged_in"],
  ["rate_limited", "rate_limited"],
  ["timeout", "timeout"],
  ["unavailable", "unhandled"],
] as const)("a handler's refusal %s is told as %s, and is no failure to report", async (code, told) => {
  const { connect, reports } = bench({
    commands: [
      { name: "refuse", check: () => true, handler: () => Promise.reject(new RefusedError(code, "why")) },
    ],
  });
  expect(await connect().ask("refuse")).toMatch(new RegExp(`^error,nonfatal,${told},`));
  expect(reports).toEqual([]);
});

test("[COMMA-4.10] a send that other nodes cannot be told of is told as unhandled, and is no failure to report", async () => {
  const { connect, hub, reports } = bench();
  const client = connect();
  expect(await client.ask("register,ann,secret")).toBe("ok");
  expect(await client.ask("login,ann,secret")).toBe("ok");
  hub.sendToUser = () => Promise.reject(new RefusedError("unavailable", "the other nodes are away"));
  expect(await client.ask("send,ann,text")).toBe("error,nonfatal,unhandled,the other nodes are away");
  expect(reports).toEqual([]);
});
