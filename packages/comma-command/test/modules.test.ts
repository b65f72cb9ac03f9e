import { UsageError } from "@wireyard/session";
import { describe, expect, it, test } from "vitest";
import { type CommaModule, type Command, defineModule } from "../src/server.ts";
import { bench, SlowCommand } from "./harness.ts";

const always = (): boolean => true;

/** A command that answers its module's name. */
function tells(name: string, text: string): Command {
  return { name, usage: name, check: always, handler: () => [text] };
}

describe("use", () => {
  test("[COMMA-2.10] [COMMA-2.12] a connected client finds the new commands with its next request", async () => {
    const { connect, service } = bench();
    const client = connect();
    await client.enter("ann");
    expect(await client.ask("hello")).toMatch(/^error,nonfatal,command_not_found,/);
    service.use({ a: { commands: [tells("hello", "one"), tells("nop", "no")], remove: ["register"] } });
    client.say("hello", "nop", "register,bob,secret", "whoami");
    expect(await client.next(4)).toEqual([
      "one",
      "no",
      expect.stringMatching(/^error,nonfatal,command_not_found,/),
      "user,ann",
    ]);
    service.use({ a: { commands: [tells("hello", "two")] } });
    client.say("hello", "nop");
    expect(await client.next(2)).toEqual(["two", ""]);
    service.use({});
    expect(await client.ask("hello")).toMatch(/^error,nonfatal,command_not_found,/);
    expect([...service.commands.keys()]).toEqual(["register", "login", "whoami", "send", "nop", "help"]);
  });

  it("lets a module change what the ones before it and the service's options have left", async () => {
    const { connect, service } = bench({ commands: [tells("own", "own")], remove: ["nop"] });
    service.use({
      a: { commands: [tells("x", "a"), tells("y", "a")] },
      b: { commands: [tells("x", "b")], remove: ["y", "own"] },
      c: { commands: [tells("whoami", "c")], remove: ["whoami"] },
    });
    expect([...service.commands.keys()]).toEqual(["register", "login", "send", "help", "x", "whoami"]);
    const client = connect();
    client.say("x", "whoami");
    expect(await client.next(2)).toEqual(["b", "c"]);
    service.use({});
    expect(await client.ask("own")).toBe("own");
  });

  it("[COMMA-2.12] does not touch a request that has begun", async () => {
    const slow = new SlowCommand();
    const { connect, service } = bench();
    service.use({ slow: { commands: [slow] } });
    const client = connect();
    client.say("req,1,slow", "req,2,slow");
    const call = await slow.call(1);
    service.use({});
    call.resolve(["done"]);
    expect(await client.next(2)).toEqual([
      "req,1,done",
      expect.stringMatching(/^req,2,error,nonfatal,command_not_found,/),
    ]);
  });

  it("changes nothing where a module is wrong, and names it", async () => {
    const { connect, service } = bench();
    service.use({ a: { commands: [tells("hello", "one")] } });
    const wrong = { b: { commands: [tells("hello", "two")] }, c: { remove: ["nothing"] } };
    expect(() => service.use(wrong)).toThrow(UsageError);
    expect(() => service.use(wrong)).toThrow(
      'c: there is no command "nothing" to remove; there are register,',
    );
    expect(await connect().ask("hello")).toBe("one");
  });
});

describe("help", () => {
  const FORMS = [
    "req\\,<ID>\\,<command>\\,…",
    "register\\,<user>\\,<password>",
    "login\\,<user>\\,<password>",
    "whoami",
    "send\\,<user>\\,<command>\\,…",
    "nop",
    "help\\,[command]",
  ];

  it("[COMMA-2.11] tells the form of every command, or of one", async () => {
    const client = bench().connect();
    expect(await client.ask("help")).toBe(["help", ...FORMS].join(","));
    expect(await client.ask("req,1,help,send")).toBe(`req,1,help,${FORMS[4]}`);
    expect(await client.ask("help,req")).toBe(`help,${FORMS[0]}`);
    expect(await client.ask("help,foo")).toMatch(/^error,nonfatal,command_not_found,.*: req register/);
    expect(await client.ask("help,a,b")).toBe("error,nonfatal,syntax,the form is help\\,[command]");
  });

  it("[COMMA-2.11] knows the commands of modules, and starts each form with the name", async () => {
    const { connect, service } = bench();
    const commands = [
      { ...tells("full", ""), usage: "full,<x>" },
      { ...tells("half", ""), usage: "<x>", check: () => false },
      { name: "bare", check: always, handler() {} },
    ];
    service.use({ a: { commands, remove: ["register", "login", "whoami", "send", "nop"] } });
    const client = connect();
    const own = "full\\,<x>,half\\,<x>,bare";
    expect(await client.ask("help")).toBe(`help,${FORMS[0]},${FORMS[6]},${own}`);
    expect(await client.ask("half")).toBe("error,nonfatal,syntax,the form is half\\,<x>");
    service.use({ a: { commands: [tells("help", "none")] } });
    expect(await client.ask("help")).toBe("none");
  });
});

describe("defineModule", () => {
  it("gives back what it was given", () => {
    const module: CommaModule = { commands: [tells("a", "")], remove: ["nop"] };
    expect(defineModule(module)).toBe(module);
  });

  const good = { name: "x", check: always, handler() {} };
  const FORM = "a module is an object of the form { commands: [...], remove: [...] }";
  test.each<[module: unknown, message: string]>([
    [undefined, `${FORM}, not undefined`],
    [null, `${FORM}, not null`],
    [() => ({}), `${FORM}, not a function`],
    [[good], `${FORM}, not an array`],
    [good, `${FORM}; it has no "name"`],
    [{ removes: ["nop"] }, `${FORM}; it has no "removes"`],
    [{ commands: good }, "commands must be an array, not an object"],
    [{ commands: null }, "commands must be an array, not null"],
    [{ remove: "nop" }, "remove must be an array, not a string"],
    [{ remove: [1] }, "remove must hold names, not a number"],
    [{ remove: ["req"] }, "req cannot be removed"],
    [{ commands: [good, null] }, "command 2 must be an object, not null"],
    [{ commands: new Array(1) }, "command 1 must be an object, not undefined"],
    [{ commands: [{ ...good, name: undefined }] }, "command 1 needs a name"],
    [{ commands: [{ ...good, name: "" }] }, "command 1 needs a name"],
    [{ commands: [{ ...good, name: "req" }] }, "req cannot be replaced"],
    [{ commands: [good, good] }, 'there are two commands "x"; keep one'],
    [{ commands: [{ ...good, args: "bytes" }] }, 'the command "x" cannot have "args"'],
    [{ commands: [{ ...good, check: undefined }] }, '"x" needs a function check'],
    [{ commands: [{ ...good, handler: "x" }] }, '"x" needs a function handler'],
    [{ commands: [{ ...good, usage: 1 }] }, 'usage of the command "x"'],
    [{ commands: [{ ...good, usage: "" }] }, 'usage of the command "x"'],
    ...["a,b", "a\\b", "a b", " a", "a\n", "\u0000", "a\u202e", "x".repeat(65)].map(
      (name): [unknown, string] => [{ commands: [{ ...good, name }] }, "must have at most 64 characters"],
    ),
  ])("[COMMA-2.13] refuses %j, and tells why", (module, message) => {
    const define = (): unknown => defineModule(module as CommaModule);
    expect(define).toThrow(UsageError);
    expect(define).toThrow(message);
    // What was not defined so is held to the same.
    const { service } = bench();
    expect(() => service.use({ "a.mjs": module as CommaModule })).toThrow(/^a\.mjs: /);
  });

  test("[COMMA-2.13] a name may be of any language", async () => {
    const { connect, service } = bench();
    service.use({ a: { commands: [tells("größe", "1"), tells("数", "2"), tells("__proto__", "3")] } });
    const client = connect();
    client.say("größe", "数", "__proto__");
    expect(await client.next(3)).toEqual(["1", "2", "3"]);
  });
});

describe("the examples", () => {
  /** A service with an example in use, and its hub. */
  async function withExample(name: string): Promise<ReturnType<typeof bench>> {
    const file = new URL(`../examples/${name}.mjs`, import.meta.url);
    const { default: module } = (await import(file.href)) as { default: CommaModule };
    const server = bench();
    server.service.use({ [name]: module });
    return server;
  }

  test("time tells the time, here and in a zone", async () => {
    const client = (await withExample("time")).connect();
    const [, iso = ""] = /^time,(.*Z)$/.exec(await client.ask("time")) ?? [];
    expect(Math.abs(Date.now() - Date.parse(iso))).toBeLessThan(5_000);
    const [, there = ""] = /^time,(.*),UTC$/.exec(await client.ask("time,UTC")) ?? [];
    expect(Math.abs(Date.now() - Date.parse(`${there}Z`))).toBeLessThan(5_000);
    expect(await client.ask("time,Nowhere/At all")).toBe("error,nonfatal,syntax,the form is time\\,[zone]");
    expect(await client.ask("uptime")).toMatch(/^uptime,\d+$/);
  });

  test("rooms looks into the rooms of the hub, and shows private ones to who knows their password", async () => {
    const { connect, hub } = await withExample("rooms");
    const [ann, bob] = [connect(), connect()];
    await ann.enter("ann");
    const [session] = hub.sessionsOf("ann");
    if (session === undefined) throw new Error("ann is not logged in");
    expect(await bob.ask("rooms")).toBe("rooms");
    await hub.join(session, "lobby", "");
    expect(await bob.ask("rooms")).toBe("rooms,lobby,1");
    expect(await bob.ask("where,ann")).toBe("error,nonfatal,not_logged_in,log in first\\, with login");
    expect(await ann.ask("where,ann")).toBe("where,lobby");
    await hub.join(session, "cellar", "key");
    expect(await bob.ask("rooms")).toBe("rooms");
    expect(await bob.ask("rooms,key")).toBe("rooms,cellar,1");
    expect(await ann.ask("where,ann")).toBe("where");
    expect(await ann.ask("where")).toBe("error,nonfatal,syntax,the form is where\\,<user>");
  });
});
