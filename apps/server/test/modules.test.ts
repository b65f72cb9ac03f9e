import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connectColonRelay } from "@wireyard/colon-relay/client";
import { type CommaClient, connectCommaCommand } from "@wireyard/comma-command/client";
import { pino } from "pino";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { reloader } from "../src/reload.ts";
import { ANY_PORTS, type Ready, Running, serve, temporaryDirectory } from "./processes.ts";

const KEY = "protocols.comma-command.modules";

/** A module with one command. */
function moduleOf(name: string, handler: string, more = ""): string {
  return `export default { commands: [{ name: "${name}", check: () => true, handler: ${handler} }] ${more} };`;
}

/** Writes files into a directory of their own. */
function directoryOf(files: Record<string, string>): string {
  const directory = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

async function connect({ ready }: { ready: Ready }): Promise<CommaClient> {
  const client = await connectCommaCommand({ url: `tcp://127.0.0.1:${ready["comma-command"].tcp}` });
  onTestFinished(() => client.close());
  return client;
}

/** What a command answers: its values, or the code of its refusal. */
async function ask(client: CommaClient, ...command: [string, ...string[]]): Promise<string> {
  const values = await client.request(...command).catch((error: { code: string }) => [error.code]);
  return values.join(" ");
}

describe("modules", () => {
  it("are served: the examples, from a list on the command line", async () => {
    const example = (name: string): string =>
      fileURLToPath(new URL(`../../../packages/comma-command/examples/${name}.mjs`, import.meta.url));
    const server = await serve(["--set", `${KEY}=[${example("rooms")}, ${example("time")}]`]);
    const relay = await connectColonRelay({ url: `tcp://127.0.0.1:${server.ready["colon-relay"].tcp}` });
    onTestFinished(() => relay.close());
    await relay.login("ann");
    await relay.join("lobby");
    const client = await connect(server);
    expect(await client.help()).toEqual(
      expect.arrayContaining(["rooms,[password]", "time,[zone]", "uptime"]),
    );
    expect(await ask(client, "rooms")).toBe("rooms lobby 1");
    expect(await ask(client, "time", "UTC")).toMatch(/^time [-\d]+ [:\d]+ UTC$/);
    expect(await ask(client, "time", "x")).toBe("syntax");
    // [COMMA-2.14] A file that is there, named from the wire.
    expect(await ask(client, example("time"))).toBe("command_not_found");
  });

  it("are found beside the configuration file, TypeScript and CommonJS too", async () => {
    const cwd = directoryOf({});
    mkdirSync(join(cwd, "etc"));
    writeFileSync(join(cwd, "etc/a.ts"), `const text: string = "a";\n${moduleOf("a", "() => [text]")}`);
    writeFileSync(
      join(cwd, "etc/b.cjs"),
      moduleOf("b", '() => ["b"]').replace("export default", "module.exports ="),
    );
    writeFileSync(join(cwd, "etc/c.mjs"), moduleOf("a", '() => ["c"]', ', remove: ["nop"]'));
    writeFileSync(
      join(cwd, "etc/wireyard.yaml"),
      "protocols: { comma-command: { modules: [a.ts, b.cjs] } }\n",
    );
    const server = await serve(["--config", "etc/wireyard.yaml"], { cwd });
    const client = await connect(server);
    expect([await ask(client, "a"), await ask(client, "b")]).toEqual(["a", "b"]);
    expect(await server.logged("a module was loaded")).toMatchObject({
      module: join(cwd, "etc/a.ts"),
      commands: ["a"],
    });

    const env = { WIREYARD_PROTOCOLS_COMMA_COMMAND_MODULES: "[a.ts, ./c.mjs]" };
    const second = await connect(await serve(["--config", "etc/wireyard.yaml"], { cwd, env }));
    expect(await Promise.all(["a", "b", "nop"].map((name) => ask(second, name)))).toEqual([
      "c",
      "command_not_found",
      "command_not_found",
    ]);
  });

  it.each<[what: string, text: string | undefined, problem: string | RegExp]>([
    ["is not there", undefined, "there is no such file"],
    ["is a directory", "/", "it is not a file"],
    [
      "is no JavaScript",
      "export default {\n  x y\n}",
      /^Unexpected identifier 'y'; node --check .*\.mjs shows where$/,
    ],
    ["throws", "\nthrow new Error('no\\n database');", "no database (line 2)"],
    ["throws a text", "throw 'no database';", "it threw no database"],
    ["imports what is not there", 'import "./none.mjs";', /^Cannot find module .*none\.mjs/],
    ["does not come to its end", "await new Promise(() => {});", /^it is not loaded after 800 ms;/],
    ["has no default export", "export const commands = [];", /^it has no default export;/],
    [
      "exports what is no module",
      "export default () => {};",
      /^a module is an object of the form .*, not a function$/,
    ],
    [
      "has a command without a handler",
      "export default { commands: [{ name: 'a', check() {} }] };",
      /needs a function handler/,
    ],
    [
      "removes what is not there",
      "export default { remove: ['a'] };",
      /^there is no command "a" to remove; there are/,
    ],
  ])("end the start where one %s: one line names it", async (_, text, problem) => {
    const directory = directoryOf({ "good.mjs": moduleOf("good", "() => {}") });
    const bad = join(directory, "bad.mjs");
    if (text === "/") mkdirSync(bad);
    else if (text !== undefined) writeFileSync(bad, text);
    const started = performance.now();
    const running = new Running(["serve", ...ANY_PORTS, "--set", `${KEY}=[good.mjs, bad.mjs]`], {
      cwd: directory,
    });
    const { code, stdout, stderr } = await running.ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const name = `wireyard: ${KEY}: ${bad}: `;
    expect(stderr.slice(0, name.length)).toBe(name);
    const told = stderr.slice(name.length);
    if (typeof problem === "string") expect(told).toBe(problem);
    else expect(told).toMatch(problem);
    expect(told).not.toContain("\n");
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it("may throw, reject, hang or leave a promise behind: it costs its own request alone", async () => {
    const cwd = directoryOf({
      "bad.mjs": `
        const handlers = {
          throw() { throw new Error("thrown"); },
          reject: async () => { throw new Error("rejected"); },
          hang: () => new Promise(() => {}),
          leave() { Promise.reject(new Error("left behind")); },
        };
        const commands = Object.entries(handlers).map(([name, handler]) => ({ name, check: () => true, handler }));
        export default { commands };`,
    });
    const server = await serve(["--set", `${KEY}=[bad.mjs]`, "--set", "limits.requestTimeoutMs=200"], {
      cwd,
    });
    const [bad, good] = [await connect(server), await connect(server)];
    const hanging = ask(bad, "hang");
    expect(await ask(good, "whoami")).toBe("not_logged_in");
    expect(await hanging).toBe("timeout");
    expect(await ask(bad, "throw")).toBe("unhandled");
    expect(await ask(bad, "reject")).toBe("unhandled");
    expect(await ask(bad, "leave")).toBe("ok");
    expect(await server.logged("a promise was rejected")).toMatchObject({ err: { message: "left behind" } });
    expect(await ask(bad, "whoami")).toBe("not_logged_in");
    expect(await ask(good, "whoami")).toBe("not_logged_in");
  });
});

describe("SIGHUP", () => {
  it("reads modules again, adds and leaves out, without dropping a client", async () => {
    const cwd = directoryOf({
      "a.mjs": moduleOf("a", '() => ["one"]'),
      "b.mjs": moduleOf("b", '() => ["b"]'),
      "wireyard.yaml": "protocols: { comma-command: { modules: [a.mjs] } }\n",
    });
    const server = await serve(["--config", "wireyard.yaml"], { cwd });
    const client = await connect(server);
    await client.register("ann", "secret");
    await client.login("ann", "secret");
    expect(await ask(client, "a")).toBe("one");

    writeFileSync(join(cwd, "a.mjs"), moduleOf("a", '() => ["two"]'));
    writeFileSync(join(cwd, "wireyard.yaml"), "protocols: { comma-command: { modules: [a.mjs, b.mjs] } }\n");
    server.child.kill("SIGHUP");
    expect(await server.logged("changed")).toMatchObject({
      key: KEY,
      to: [join(cwd, "a.mjs"), join(cwd, "b.mjs")],
    });
    await server.line("stderr", (line) => line.includes("a module was loaded") && line.includes("b.mjs"));
    expect([await ask(client, "a"), await ask(client, "b")]).toEqual(["two", "b"]);

    writeFileSync(join(cwd, "wireyard.yaml"), "protocols: { comma-command: { modules: [b.mjs] } }\n");
    server.child.kill("SIGHUP");
    await server.line(
      "stderr",
      (line) => line.includes("changed") && line.includes(`"to":["${join(cwd, "b.mjs")}"]`),
    );
    await vi.waitFor(async () => expect(await ask(client, "a")).toBe("command_not_found"), 10_000);
    expect(await ask(client, "b")).toBe("b");
    expect(await client.whoami()).toBe("ann");
  });

  it("keeps a module whose new text cannot be used, and takes the others", async () => {
    const cwd = directoryOf({
      "a.mjs": moduleOf("a", '() => ["a one"]'),
      "b.mjs": moduleOf("b", '() => ["b one"]'),
      "wireyard.yaml": "protocols: { comma-command: { modules: [a.mjs, b.mjs] } }\n",
    });
    const server = await serve(["--config", "wireyard.yaml"], { cwd });
    const client = await connect(server);
    writeFileSync(join(cwd, "a.mjs"), "export default {");
    writeFileSync(join(cwd, "b.mjs"), moduleOf("b", '() => ["b two"]'));
    writeFileSync(
      join(cwd, "wireyard.yaml"),
      "protocols: { comma-command: { modules: [a.mjs, b.mjs, none.mjs] } }\n",
    );
    server.child.kill("SIGHUP");
    const { level, msg, module } = await server.logged("a module cannot be used, the one before it stays");
    expect({ level, module }).toEqual({ level: "error", module: join(cwd, "a.mjs") });
    expect(msg).toContain(`${join(cwd, "a.mjs")}: Unexpected end of input`);
    expect((await server.logged("a module cannot be used, it is left out")).msg).toContain(
      "none.mjs: there is no",
    );
    await vi.waitFor(async () => expect(await ask(client, "b")).toBe("b two"), 10_000);
    expect(await ask(client, "a")).toBe("a one");

    // Each is a module, but they do not go together.
    writeFileSync(join(cwd, "a.mjs"), moduleOf("a", '() => ["a three"]'));
    writeFileSync(join(cwd, "b.mjs"), 'export default { remove: ["nothing"] };');
    server.child.kill("SIGHUP");
    const together = await server.logged("the modules cannot be used together, those before them stay");
    expect(together.msg).toContain(`${join(cwd, "b.mjs")}: there is no command "nothing" to remove`);
    expect([await ask(client, "a"), await ask(client, "b")]).toEqual(["a one", "b two"]);

    // The server still starts anew from what was mended.
    writeFileSync(join(cwd, "b.mjs"), moduleOf("b", '() => ["b three"]'));
    server.child.kill("SIGHUP");
    await vi.waitFor(async () => expect(await ask(client, "b")).toBe("b three"), 10_000);
    expect(await ask(client, "a")).toBe("a three");
  });

  it("that comes while the configuration is being read has it read once more", async () => {
    const sources = { env: {}, settings: ["log.level=silent"] };
    const { config } = loadConfig(sources);
    const finish: (() => void)[] = [];
    const reload = vi.fn(() => new Promise<void>((resolve) => finish.push(resolve)));
    const starting = Promise.resolve({
      ports: {},
      keys: {},
      host: "",
      hub: null as never,
      reload,
      close: async () => {},
    });
    const ask = reloader(starting, config, sources, pino({ level: "silent" }));
    for (let i = 0; i < 3; i++) ask();
    await vi.waitFor(() => expect(reload).toHaveBeenCalledTimes(1), 10_000);
    finish[0]?.();
    await vi.waitFor(() => expect(reload).toHaveBeenCalledTimes(2), 10_000);
    finish[1]?.();
    ask();
    await vi.waitFor(() => expect(reload).toHaveBeenCalledTimes(3), 10_000);
    finish[2]?.();
  });
});
