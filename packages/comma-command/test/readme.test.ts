import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { createHub, memoryAccounts } from "@wireyard/session";
import { afterEach, describe, expect, it } from "vitest";
import { ERRORS } from "../src/index.ts";
import { COMMA_COMMAND_DEFAULTS, type CommaModule, commaCommand } from "../src/server.ts";
import { bench } from "./harness.ts";

const home = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, home), "utf8");
const readme = read("README.md");
const protocol = read("PROTOCOL.md");

/** The code of the block that is marked ```ts name, or ```js name. */
function block(name: string): string {
  const code = new RegExp(`^\`\`\`[jt]s ${name}\\n(.*?)^\`\`\``, "ms").exec(readme)?.[1];
  if (code === undefined) throw new Error(`the README has no block "ts ${name}"`);
  return code;
}

/** The cells of each row of the table behind `heading`, without its head. */
function table(text: string, heading: string): string[][] {
  const lines = text.slice(text.indexOf(heading)).split("\n");
  const start = lines.findIndex((line) => line.startsWith("|"));
  const rows = lines.slice(start, lines.indexOf("", start));
  return rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

describe("the README's code", () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill();
  });

  /** Runs code as a module of this package's folder; gives the lines it prints as they come. */
  function run(code: string): { lines: AsyncIterator<string>; done: Promise<number | null> } {
    const child = spawn(
      process.execPath,
      ["--conditions=source", "--input-type=module-typescript", "--eval", code],
      { cwd: home, stdio: ["ignore", "pipe", "inherit"] },
    );
    children.push(child);
    return {
      lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
      done: new Promise((resolve) => child.on("close", resolve)),
    };
  }

  async function lines(code: string): Promise<string[]> {
    const child = run(code);
    const all: string[] = [];
    for (let line = await child.lines.next(); !line.done; line = await child.lines.next())
      all.push(line.value);
    expect(await child.done).toBe(0);
    return all;
  }

  it("serves, and is asked", async () => {
    const server = run(block("server").replace("port: 3291", "port: 0"));
    const first = await server.lines.next();
    const port = /^comma command on (\d+)$/.exec(String(first.value))?.[1];
    expect(port).toBeDefined();
    expect(await lines(block("client").replace("127.0.0.1:3291", `127.0.0.1:${port}`))).toEqual([
      "[ 'hello, bob', 'ann' ]",
      "ann [ 'note', 'milk, bread' ]",
    ]);
  });

  it("reads bytes without a socket, and prints what it says", async () => {
    const [, said] = / \/\/ (.*)\n$/.exec(block("pure")) ?? [];
    expect(await lines(block("pure"))).toEqual([said]);
  });

  it("is a module, which a service takes", async () => {
    const { default: module } = (await import(
      `data:text/javascript,${encodeURIComponent(block("module"))}`
    )) as {
      default: CommaModule;
    };
    const { connect, service } = bench();
    const client = connect();
    await client.enter("ann");
    service.use({ module });
    expect(await client.ask("greet,bob")).toBe("hello,bob,1 are here");
    expect(await client.ask("register,bob,secret")).toMatch(/^error,nonfatal,command_not_found,/);
    const fields = table(readme, "## Modules").map(([field = ""]) => field.replace(/^.*\./, ""));
    expect(fields.sort()).toEqual(
      [...Object.keys(module), ...Object.keys(module.commands?.[0] ?? {})].sort(),
    );
  });

  it("puts modules in use", async () => {
    expect(await lines(block("modules"))).toEqual(["true"]);
  });

  it("is shown in no block that is not run", () => {
    expect([...readme.matchAll(/^```[jt]s ?(.*)$/gm)].map(([, name]) => name)).toEqual([
      "server",
      "client",
      "module",
      "modules",
      "pure",
    ]);
  });
});

describe("the documents", () => {
  it.each([
    ["README.md", table(readme, "## Error codes")],
    ["PROTOCOL.md", table(protocol, "## 5 Errors")],
  ])("%s lists the errors of the code, no more and no less", (_, rows) => {
    expect(Object.fromEntries(rows)).toEqual(ERRORS);
  });

  it.each([
    ["README.md", table(readme, "## Messages").slice(0, -1)],
    ["PROTOCOL.md", table(protocol, "## 2 What a client says")],
  ])("%s lists the commands of the code, no more and no less", (_, rows) => {
    const { commands } = commaCommand(createHub({ accounts: memoryAccounts() }));
    const forms = [...commands.values()].map(({ usage }) => usage);
    expect(rows.map(([form]) => form)).toEqual(["req,<ID>,<command>,…", ...forms]);
  });

  it("the README's defaults are those of the code", () => {
    const defaults = table(readme, "## Options of `commaCommand").map(([name, , value]) => [name, value]);
    const { commands, remove } = COMMA_COMMAND_DEFAULTS;
    expect(Object.fromEntries(defaults)).toEqual({
      commands: JSON.stringify(commands),
      remove: JSON.stringify(remove),
    });
  });
});
