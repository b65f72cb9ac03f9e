import { memoryAccounts, memoryBackplane, RefusedError } from "@wireyard/session";
import { describe, expect, test } from "vitest";
import type { ERRORS } from "../src/index.ts";
import { settle, yard } from "./people.ts";

describe("rooms", () => {
  test("[COLON-3.3] [COLON-3.6] a joiner is told of itself, of the members in join order, and of the master", async () => {
    const { person } = yard();
    const [ann, bob, eve] = [await person("ann"), await person("bob"), await person("eve")];
    const people = { ann, bob, eve };
    for (const one of [ann, bob, eve]) {
      one.say("2:lobby\n");
      await settle();
    }
    expect(ann.take(people)).toEqual(["2:ann:lobby", "4:ann", "2:bob:lobby", "2:eve:lobby"]);
    expect(bob.take(people)).toEqual(["2:bob:lobby", "2:ann:lobby", "4:ann", "2:eve:lobby"]);
    expect(eve.take(people)).toEqual(["2:eve:lobby", "2:ann:lobby", "2:bob:lobby", "4:ann"]);
  });

  test("[COLON-2.4] [COLON-3.4] [COLON-3.8] the leave is told before the new master", async () => {
    const { person } = yard();
    const [ann, bob, eve] = [await person("ann"), await person("bob"), await person("eve")];
    const people = { ann, bob, eve };
    for (const one of [ann, bob, eve]) one.say("2:lobby\n");
    await settle();
    for (const one of [ann, bob, eve]) one.take();
    ann.say("2:-1\n");
    await settle();
    expect(ann.take(people)).toEqual(["2:ann:"]);
    for (const one of [bob, eve]) expect(one.take(people)).toEqual(["2:ann:", "4:bob"]);
    bob.link.destroy();
    await settle();
    expect(eve.take(people)).toEqual(["2:bob:", "4:eve"]);
  });

  test("[COLON-2.3] joining another room leaves the first", async () => {
    const { person } = yard();
    const [ann, bob] = [await person("ann"), await person("bob")];
    for (const one of [ann, bob]) one.say("2:one\n");
    await settle();
    for (const one of [ann, bob]) one.take();
    ann.say("2:two\n1\n");
    await settle();
    expect(ann.take({ ann, bob })).toEqual(["2:ann:", "2:ann:two", "4:ann", "1:one-1,two-1"]);
    expect(bob.take({ ann, bob })).toEqual(["2:ann:", "4:bob"]);
  });

  test("[COLON-2.9] what has no effect has no answer", async () => {
    const { person } = yard();
    const ann = await person("ann");
    ann.say("2:-1\n4:nobody:hi\n5:nobody:\n2:lobby\n");
    await settle();
    ann.take();
    ann.say("2:lobby\n2:lobby:pw\n");
    await settle();
    expect(ann.take()).toEqual([]);
  });

  test("[COLON-2.2] [COLON-3.2] rooms are listed with their counts, none as 1:", async () => {
    const { person } = yard();
    const [ann, bob] = [await person("ann"), await person("bob")];
    ann.say("1\n1:\n1:pw\n");
    ann.say("2:a-b\n");
    bob.say("2:a-b\n");
    await settle();
    ann.say("1\n");
    await settle();
    const lines = ann.take();
    expect(lines.slice(0, 3)).toEqual(["1:", "1:", "1:"]);
    expect(lines.at(-1)).toBe("1:a-b-2");
  });

  test("[COLON-4.3] [COLON-2.10] a private room is listed and joined with its password alone", async () => {
    const { person } = yard();
    const [ann, bob] = [await person("ann"), await person("bob")];
    ann.say("2:den:secret\n");
    bob.say("2:hall\n1\n1:secret\n1:guess\n2:den:guess\n2:den\n");
    await settle();
    expect(bob.take({ ann, bob }).slice(2)).toEqual([
      "1:hall-1",
      "1:den-1,hall-1",
      "1:hall-1",
      "9:wrong_password:the room is private and this is not its password",
      "9:wrong_password:the room is private and this is not its password",
    ]);
    bob.say("3:1:still here\n2:den:secret\n");
    await settle();
    expect(bob.take({ ann, bob })).toEqual(["3:bob:still here", "2:bob:", "2:bob:den", "2:ann:den", "4:ann"]);
  });
});

describe("messages", () => {
  test("[COLON-1.9] [COLON-2.5] [COLON-2.6] go to the others or to all, whole and in order", async () => {
    const { person } = yard();
    const [ann, bob] = [await person("ann"), await person("bob")];
    for (const one of [ann, bob]) one.say("2:lobby\n");
    await settle();
    for (const one of [ann, bob]) one.take();
    ann.say("3:0:a:b:\n3:1:c\n3:2:d\n3:3:e\n3:1:\n");
    await settle();
    expect(ann.take({ ann, bob })).toEqual(["3:ann:c", "3:ann:e", "3:ann:"]);
    expect(bob.take({ ann, bob })).toEqual(["3:ann:a:b:", "3:ann:c", "3:ann:d", "3:ann:e", "3:ann:"]);
  });

  test("[COLON-2.7] [COLON-2.8] [COLON-2.12] groups cross rooms, may hold oneself, and are replaced", async () => {
    const { person } = yard();
    const [ann, bob, eve] = [await person("ann"), await person("bob"), await person("eve")];
    ann.say(`2:one\n5:g:${ann.id}:${bob.id}:12345:x\n`);
    bob.say("2:two\n");
    await settle();
    for (const one of [ann, bob]) one.take();
    ann.say(`4:g:hi\n5:g:${eve.id}\n4:g:only eve\n5:g:\n4:g:nobody\n`);
    await settle();
    const people = { ann, bob, eve };
    expect([ann, bob, eve].map((one) => one.take(people))).toEqual([
      ["3:ann:hi"],
      ["3:ann:hi"],
      ["3:ann:only eve"],
    ]);
  });

  test("[COLON-2.12] a group survives a change of room, its sender's and its members'", async () => {
    const { person } = yard();
    const [ann, bob] = [await person("ann"), await person("bob")];
    ann.say(`2:one\n5:g:${bob.id}\n2:two\n`);
    bob.say("2:one\n2:-1\n");
    await settle();
    bob.take();
    ann.say("4:g:hi\n");
    await settle();
    expect(bob.take({ ann })).toEqual(["3:ann:hi"]);
  });

  test("[COLON-2.12] a session has at most 256 groups", async () => {
    const { person } = yard();
    const ann = await person("ann");
    for (let i = 0; i <= 256; i++) ann.say(`5:g${i}:${ann.id}\n`);
    await settle();
    expect(ann.take()).toEqual(["9:rate_limited:a session has at most 256 groups"]);
  });
});

describe("logging in", () => {
  test("[COLON-3.10] [COLON-3.1] gives an id", async () => {
    const { person } = yard();
    const id = Number((await person("ann")).id);
    expect(id >= 65_536 && id <= 2 ** 31 - 1).toBe(true);
  });

  test("[COLON-3.9] user names are told where the option says so", async () => {
    const { person, connect } = yard({ usernames: true, udp: { cookie: true } });
    const ann = connect();
    ann.say("0:ann:pw\n2:lobby\n");
    await settle();
    expect(ann.take({ ann })).toEqual([
      expect.stringMatching(/^0:ann::[0-9a-f-]{36}$/),
      "2:ann:lobby:ann",
      "4:ann",
    ]);
    const bob = await person("bob");
    bob.say("2:lobby\n2:-1\n");
    await settle();
    expect(ann.take({ ann, bob })).toEqual(["2:bob:lobby:bob", "2:bob::"]);
  });

  test("[COLON-4.4] with accounts, checks the password and goes on in order", async () => {
    const accounts = memoryAccounts({ iterations: 1 });
    await accounts.register("ann", "p:w");
    const { connect } = yard({ auth: "accounts" }, { accounts });
    const ann = connect();
    ann.say("0:ann:no\n0:nobody:no\n0:ANN:p:w\n2:lobby\n");
    await ann.until(5);
    expect(ann.take({ ann })).toEqual([
      "9:wrong_password:the user does not exist or the password is wrong",
      "9:wrong_password:the user does not exist or the password is wrong",
      "0:ann",
      "2:ann:lobby",
      "4:ann",
    ]);
  });

  test("an account store that fails is reported, and its text reaches nobody", async () => {
    const accounts = { ...memoryAccounts(), authenticate: () => Promise.reject(new Error("disk on fire")) };
    const { connect, reports } = yard({ auth: "accounts" }, { accounts });
    const ann = connect();
    ann.say("0:ann:pw\n");
    await ann.until(1);
    expect(ann.take()).toEqual(["9:rate_limited:the server cannot do this now; try again later"]);
    expect(reports).toEqual(["a colon relay request failed"]);
  });
});

describe("errors", () => {
  const cases: Record<keyof typeof ERRORS, { say: string; first?: string; closes?: boolean }> = {
    syntax: { say: "3:9:x\n" },
    not_logged_in: { say: "2:lobby\n", first: "" },
    already_logged_in: { say: "0:ann:pw\n" },
    invalid_name: { say: "2:a,b\n" },
    wrong_password: { say: "2:den:guess\n" },
    not_in_room: { say: "3:1:hi\n" },
    unknown_command: { say: "8:x\n" },
    too_long: { say: `3:1:${"x".repeat(65_536)}\n`, closes: true },
    rate_limited: { say: "3:1:1\n3:1:2\n3:1:3\n" },
  };

  test.each(Object.entries(cases))(
    "[COLON-3.7] %s is answered, and the others notice nothing",
    async (code, { say, first, closes }) => {
      const messagesPerSecond = code === "rate_limited" ? 2 : null;
      const { connect, person, hub } = yard({}, { limits: { messagesPerSecond } });
      const bob = await person("bob");
      bob.say("2:den:secret\n");
      const ann = first === undefined ? await person("ann") : connect();
      if (code === "rate_limited") ann.say("2:lobby\n");
      await settle();
      for (const one of [ann, bob]) one.take();
      ann.say(say);
      await settle();
      expect(ann.take().at(-1)).toMatch(new RegExp(`^9:${code}:.+`));
      expect(ann.closed).toBe(closes ?? false);
      expect(hub.sessionCount).toBe(closes ? 1 : 2);
      bob.say("3:1:fine\n");
      await settle();
      expect(bob.take({ bob })).toEqual(["3:bob:fine"]);
    },
  );

  test("[COLON-1.4] what is not UTF-8 is answered and closes, and leaves no ghost in the room", async () => {
    const { person } = yard();
    const [ann, bob] = [await person("ann"), await person("bob")];
    for (const one of [ann, bob]) one.say("2:lobby\n");
    await settle();
    for (const one of [ann, bob]) one.take();
    ann.link.write(Uint8Array.from([0x33, 0x3a, 0x31, 0x3a, 0xff, 0x0a]));
    await settle();
    expect(ann.take()).toEqual(["9:syntax:a line is not UTF-8"]);
    expect(ann.closed).toBe(true);
    expect(bob.take({ ann, bob })).toEqual(["2:ann:", "4:bob"]);
  });

  test("with errors: false none is told, and what closes still closes", async () => {
    const { connect } = yard({ errors: false });
    const ann = connect();
    ann.say(`7\n3:1:x\n${"x".repeat(8_193)}`);
    await settle();
    expect(ann.take()).toEqual([]);
    expect(ann.closed).toBe(true);
  });

  test("[COLON-1.3] before login a line has at most 8,192 bytes", async () => {
    const { connect } = yard();
    const [ann, bob] = [connect(), connect()];
    ann.say(`0:${"x".repeat(8_188)}:y`);
    bob.say(`9:${"x".repeat(8_190)}\n`);
    await settle();
    expect(ann.closed).toBe(false);
    expect(bob.take()).toEqual(["9:unknown_command:commands are 0 to 5"]);
    ann.say("z");
    await settle();
    expect(ann.take()).toEqual(["9:too_long:a line is longer than 8192 bytes"]);
    expect(ann.closed).toBe(true);
  });

  test("[COLON-4.2] a comma in a room's name is refused, in a user's and a group's it is not, and -1 means leave", async () => {
    const { connect } = yard();
    const ann = connect();
    ann.say("0:a,b:pw\n2:x,y\n2:-1:pw\n2:x-1\n");
    await settle();
    ann.say(`5:g,h:${ann.id}\n4:g,h:hi\n1\n`);
    await settle();
    expect(ann.take({ ann })).toEqual([
      "0:ann",
      '9:invalid_name:a name cannot hold ","',
      "2:ann:x-1",
      "4:ann",
      "3:ann:hi",
      "1:x-1-1",
    ]);
  });

  test.each(["", "a\u001b[2J", "a\u202e"])("[COLON-4.1] %j is no user name", async (name) => {
    const { connect } = yard();
    const ann = connect();
    ann.say(`0:${name}:pw\n`);
    await settle();
    expect(ann.take()[0]).toMatch(/^9:invalid_name:/);
  });
});

describe("limits", () => {
  test("[COLON-1.5] HTTP is closed without a byte", async () => {
    const { connect } = yard();
    const browser = connect();
    browser.say("POST /x HTTP/1.1\r\nHost: a\r\n\r\n0:ann:pw\n");
    await settle();
    expect(browser.lines).toEqual([]);
    expect(browser.closed).toBe(true);
  });

  test("[COLON-1.6] who does not log in within 10 s is closed, however much is said", async () => {
    const { connect, pass } = yard();
    const ann = connect();
    for (let i = 0; i < 19; i++) {
      pass(500);
      ann.say("1\n");
      await settle();
    }
    expect(ann.closed).toBe(false);
    pass(550);
    await settle();
    expect(ann.closed).toBe(true);
  });

  test("[COLON-1.6] a line that drips in is closed 10 s after its first byte", async () => {
    const { person, pass } = yard();
    const ann = await person("ann");
    pass(60_000);
    for (let i = 0; i < 19; i++) {
      ann.say("x");
      await settle();
      pass(500);
    }
    expect(ann.closed).toBe(false);
    pass(550);
    await settle();
    expect(ann.closed).toBe(true);
  });

  test("a connection refused for its number is closed and costs no session", async () => {
    const { connect, hub } = yard({}, { limits: { maxConnections: 1 } });
    const [ann, bob] = [connect(), connect()];
    await settle();
    expect([ann.closed, bob.closed]).toEqual([false, true]);
    expect(hub.sessionCount).toBe(1);
  });

  test("an operator's close ends the session", async () => {
    const { person, hub } = yard();
    const ann = await person("ann");
    for (const session of hub.sessions()) session.peer.close("maintenance");
    await settle();
    expect(ann.closed).toBe(true);
    expect(hub.sessionCount).toBe(0);
  });
});

test("a login that is being checked is answered before the session is closed", async () => {
  const accounts = memoryAccounts({ iterations: 1 });
  await accounts.register("ann", "pw");
  const { connect, hub } = yard({ auth: "accounts" }, { accounts });
  const ann = connect();
  ann.say("0:ann:pw\n1\n");
  await new Promise((resolve) => setImmediate(resolve));
  for (const session of hub.sessions()) session.peer.close("maintenance");
  await ann.until(1);
  await settle();
  expect(ann.take({ ann })).toEqual(["0:ann"]);
  expect(ann.closed).toBe(true);
});

test("[COLON-4.5] a back plane that refuses a message is told to the sender in the relay's words", async () => {
  const { person, hub } = yard();
  const ann = await person("ann");
  hub.join = () => {
    throw new RefusedError("unavailable", "the back plane does not answer");
  };
  ann.say("2:lobby\n");
  await settle();
  expect(ann.take()).toEqual(["9:rate_limited:the back plane does not answer"]);
});

test("[COLON-4.6] the sender of an ordered message hears of it where it may not have reached everybody", async () => {
  const backplane = memoryBackplane();
  let lost: (error: Error) => void = () => {};
  const [here, there] = [
    yard(
      {},
      {
        backplane: {
          open: (receive) => ({
            ...backplane.open(receive),
            post: () => new Promise((_, reject) => (lost = reject)),
          }),
        },
      },
    ),
    yard({}, { backplane }),
  ];
  const [ann, bob] = [await here.person("ann"), await there.person("bob")];
  for (const person of [ann, bob]) {
    person.say("2:lobby\n");
    await settle();
    person.take();
  }
  ann.take();
  ann.say("3:3:hello\n5::\n");
  await settle();
  expect(ann.take()).toEqual(["9:invalid_name:a name cannot be empty"]);
  lost(new RefusedError("unavailable", "an ordered message may not have reached everybody"));
  await settle();
  expect(ann.take()).toEqual(["9:rate_limited:an ordered message may not have reached everybody"]);
  ann.say("3:3:again\n");
  await settle();
  ann.link.end();
  await settle();
  lost(new RefusedError("unavailable", "an ordered message may not have reached everybody"));
  await settle();
  expect([ann.take(), here.reports]).toEqual([[], []]);
});
