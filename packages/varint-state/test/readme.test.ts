import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { ERRORS } from "../src/index.ts";
import { VARINT_STATE_DEFAULTS } from "../src/server.ts";
import { withStates } from "./state-diagram.ts";

const home = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, home), "utf8");
const readme = read("README.md");
const protocol = read("PROTOCOL.md");

/** The code of the block that is marked ```ts name. */
function block(name: string): string {
  const code = new RegExp(`^\`\`\`ts ${name}\\n(.*?)^\`\`\``, "ms").exec(readme)?.[1];
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

  interface Running {
    /** Lines as they are printed. */
    readonly lines: AsyncIterator<string>;
    /** All further lines, when it has ended well. */
    rest(): Promise<string[]>;
  }

  /** Runs code as a module of this package's folder, with `input` typed to it. */
  function run(code: string, input = ""): Running {
    const child = spawn(
      process.execPath,
      ["--conditions=source", "--input-type=module-typescript", "--eval", code],
      { cwd: home, stdio: ["pipe", "pipe", "inherit"] },
    );
    children.push(child);
    child.stdin.end(input);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const done = new Promise((resolve) => child.on("close", resolve));
    return {
      lines,
      async rest() {
        const all: string[] = [];
        for (let line = await lines.next(); !line.done; line = await lines.next()) all.push(line.value);
        expect(await done).toBe(0);
        return all;
      },
    };
  }

  const lines = (code: string): Promise<string[]> => run(code).rest();

  it("serves, and is asked for its status", async () => {
    const server = run(block("server").replace("port: 23456", "port: 0"));
    const first = await server.lines.next();
    const port = /^listening on port (\d+)$/.exec(String(first.value))?.[1];
    expect(port).toBeDefined();
    const at = (name: string): string => block(name).replace("localhost:23456", `localhost:${port}`);
    expect(await lines(at("client"))).toEqual([
      "Hello from Wireyard: 1 of 10000",
      expect.stringMatching(/^round trip: [\d.]+ ms$/),
    ]);
    expect(await lines(at("fetch"))).toEqual([
      expect.stringMatching(/^Wireyard Hello from Wireyard [\d.]+ ms$/),
    ]);
  });

  it("is an operator's on a terminal", async () => {
    const server = run(block("operator").replace("port: 23456", "port: 0"), "list\nping 5\nstop\n");
    expect(await server.rest()).toEqual([
      expect.stringMatching(/^listening on port \d+$/),
      "0 sessions",
      "0 clients are pinged",
      "0 sessions are closed",
    ]);
  });

  it("reads bytes without a socket", async () => {
    expect(await lines(block("pure"))).toEqual(["{ type: 'pong', payload: 258n } default"]);
  });

  it("is shown in no block that is not run", () => {
    expect([...readme.matchAll(/^```ts ?(.*)$/gm)].map(([, name]) => name)).toEqual([
      "server",
      "operator",
      "client",
      "fetch",
      "pure",
    ]);
  });
});

describe("the documents", () => {
  it.each([
    ["README.md", readme],
    ["PROTOCOL.md", protocol],
  ])("%s lists the errors of the code, no more and no less", (_, text) => {
    expect(Object.fromEntries(table(text, "Errors\n"))).toEqual(ERRORS);
  });

  it("the README's defaults are those of the code", () => {
    const defaults = table(readme, "## Options of `varintState").map(([name, , value]) => [name, value]);
    const { version, ...others } = VARINT_STATE_DEFAULTS;
    expect(Object.fromEntries(defaults)).toEqual({
      "version.name": version.name,
      "version.protocol": String(version.protocol),
      ...Object.fromEntries(Object.entries(others).map(([name, value]) => [name, String(value)])),
    });
  });

  it("PROTOCOL.md has the diagram and the table that the code's states make [VARINT-4.1]", () => {
    expect(
      protocol,
      "write them anew: node --conditions=source packages/varint-state/test/state-diagram.ts",
    ).toBe(withStates(protocol));
  });
});
