import { createHub, memoryAccounts, UsageError } from "@wireyard/session";
import { expect, test } from "vitest";
import { type CommaCommandOptions, type Command, commaCommand } from "../src/server.ts";
import { bench } from "./harness.ts";

test("[COMMA-2.10] a command is added, gets its arguments unescaped, and its values are escaped", async () => {
  const { connect } = bench({
    commands: [
      {
        name: "greet",
        usage: "greet,<name>",
        check: (args) => args.length === 1,
        handler: ([name = ""], session) => [`hello, ${name}`, session.user ?? "nobody"],
      },
      { name: "quiet", check: () => true, handler() {} },
      { name: "later", check: () => true, handler: async () => ["later"] },
      { name: "echo", check: () => true, handler: (args) => [...args] },
    ],
  });
  const client = connect();
  client.say("greet,\\a\\,b", "greet", "quiet,x", "req,1,later", "echo,1,\\\\", "req,2,ec\\ho,é");
  expect(await client.next(6)).toEqual([
    "hello\\, a\\,b,nobody",
    "error,nonfatal,syntax,the form is greet\\,<name>",
    "ok",
    "req,1,later",
    "1,\\\\",
    "req,2,é",
  ]);
  await client.enter("ann");
  expect(await client.ask("greet,x")).toBe("hello\\, x,ann");
});

test("[COMMA-2.10] a built-in command is replaced, or removed; what is added afterwards stays", async () => {
  const whoami: Command = { name: "whoami", check: () => true, handler: () => ["user", "you"] };
  const { connect } = bench({ commands: [whoami], remove: ["register", "whoami"] });
  const client = connect();
  expect(await client.ask("whoami,x")).toBe("user,you");
  expect(await client.ask("register,ann,secret")).toMatch(/^error,nonfatal,command_not_found,/);
});

test("a service tells its commands and their forms", () => {
  const hub = createHub({ accounts: memoryAccounts({ iterations: 1 }) });
  const { commands } = commaCommand(hub, { remove: ["nop"] });
  expect([...commands.values()].map(({ name, usage }) => usage ?? name)).toEqual([
    "register,<user>,<password>",
    "login,<user>,<password>",
    "whoami",
    "send,<user>,<command>,…",
    "help,[command]",
  ]);
});

const always = (): boolean => true;

test.each([
  [{ commands: [{ name: "x", check: always }] }, '"x" needs a function handler'],
  [{ command: [] }, 'it has no "command"'],
  [{ remove: ["regster"] }, 'no command "regster" to remove; there are register, login'],
])("options that make no sense are a UsageError that tells why: %j", (options, message) => {
  const hub = createHub({ accounts: memoryAccounts({ iterations: 1 }) });
  const make = (): unknown => commaCommand(hub, options as unknown as CommaCommandOptions);
  expect(make).toThrow(UsageError);
  expect(make).toThrow(message);
});

test.each([["a string"], [[1]], [new Array(1)], [{ values: [] }], [7]])(
  "a handler that returns %j is unhandled, and the operator reads what would be right",
  async (returned) => {
    const returns = (value: unknown): Command["handler"] => (() => value) as Command["handler"];
    const { connect, reports } = bench({
      commands: [
        { name: "now", check: () => true, handler: returns(returned) },
        { name: "later", check: () => true, handler: returns(Promise.resolve(returned)) },
      ],
    });
    const client = connect();
    client.say("now", "later", "nop");
    const unhandled = "error,nonfatal,unhandled,the server failed to do it";
    expect(await client.next(3)).toEqual([unhandled, unhandled, ""]);
    expect(reports.map(({ error }) => (error as Error).message)).toEqual([
      "a handler returns an array of strings, or nothing",
      "a handler returns an array of strings, or nothing",
    ]);
  },
);

test.each([[undefined], [null]])("a handler that returns %j is ok", async (returned) => {
  const handler = (() => returned) as unknown as Command["handler"];
  const client = bench({ commands: [{ name: "now", check: () => true, handler }] }).connect();
  client.say("now");
  expect(await client.next(1)).toEqual(["ok"]);
});

test("a promise of another kind is waited for, and is unhandled where it cannot be", async () => {
  const handlerOf = (then: (resolve: (values: string[]) => void) => void): Command["handler"] =>
    (() => ({ then })) as unknown as Command["handler"];
  const throws = (): never => {
    throw new Error("inner");
  };
  const { connect, reports } = bench({
    commands: [
      { name: "good", check: always, handler: handlerOf((resolve) => resolve(["good"])) },
      { name: "bad", check: always, handler: handlerOf(throws) },
    ],
  });
  const client = connect();
  client.say("good", "bad", "nop");
  expect(await client.next(3)).toEqual(["good", "error,nonfatal,unhandled,the server failed to do it", ""]);
  expect(reports).toHaveLength(1);
});

test("an answer that cannot be sent ends its own connection, and no other", async () => {
  // Says to whoever checks it that it holds strings, and to whoever encodes it that it does not.
  const forged = (): string[] => {
    let reads = 0;
    return new Proxy(["x"], {
      get: (target, key) => (key === "0" && reads++ > 0 ? undefined : Reflect.get(target, key)),
    });
  };
  const { connect, reports } = bench({
    commands: [
      { name: "now", check: always, handler: forged },
      { name: "later", check: always, handler: async () => forged() },
    ],
  });
  const other = connect();
  for (const name of ["now", "later"]) {
    const client = connect();
    client.say(name);
    await client.closed;
    expect(await other.ask("nop")).toBe("");
  }
  expect(reports.map(({ problem }) => problem)).toEqual([
    "a comma command connection failed",
    "a comma command connection failed",
  ]);
});

test("a check that returns a promise is unhandled: it would be true whatever it comes to", async () => {
  const check = (async () => false) as unknown as Command["check"];
  const { connect, reports } = bench({ commands: [{ name: "late", check, handler: () => ["run"] }] });
  expect(await connect().ask("late")).toMatch(/^error,nonfatal,unhandled,/);
  expect(reports.map(({ error }) => (error as Error).message)).toEqual([
    "check returns true or false, not a promise",
  ]);
});

test("a check that throws is unhandled", async () => {
  const { connect, reports } = bench({
    commands: [
      {
        name: "odd",
        check() {
          throw new Error("odd");
        },
        handler() {},
      },
    ],
  });
  expect(await connect().ask("odd")).toMatch(/^error,nonfatal,unhandled,/);
  expect(reports).toHaveLength(1);
});
