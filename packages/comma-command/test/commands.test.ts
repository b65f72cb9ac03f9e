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
      { name: "a,b", check: () => true, handler: (args) => [...args] },
    ],
  });
  const client = connect();
  client.say("greet,\\a\\,b", "greet", "quiet,x", "req,1,later", "a\\,b,1,\\\\", "req,2,a\\,\\b,é");
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
  ]);
});

const always = (): boolean => true;

test.each([
  [{ commands: [{ name: "", check: always, handler() {} }] }, "needs a name"],
  [{ commands: [{ name: "req", check: always, handler() {} }] }, "req cannot be replaced"],
  [{ commands: [{ name: "x", handler() {} }] }, '"x" needs a function check'],
  [{ commands: [{ name: "x", check: always }] }, '"x" needs a function handler'],
  [{ commands: [{ name: "x", usage: 1, check: always, handler() {} }] }, 'usage of the command "x"'],
  [{ remove: ["regster"] }, 'no command "regster" to remove; there are register, login'],
  [{ remove: ["req"] }, 'no command "req"'],
])("options that make no sense are a UsageError that tells why: %j", (options, message) => {
  const hub = createHub({ accounts: memoryAccounts({ iterations: 1 }) });
  const make = (): unknown => commaCommand(hub, options as unknown as CommaCommandOptions);
  expect(make).toThrow(UsageError);
  expect(make).toThrow(message);
});

test.each([["a string"], [[1]], [{ values: [] }], [7], [null]])(
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
