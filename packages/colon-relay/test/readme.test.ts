import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill();
});

/** The README's block of that name, with `port` in place of the default one. */
function block(name: string, port: number): string {
  const [, code] = new RegExp(`\`\`\`ts ${name}\n(.*?)\`\`\``, "s").exec(readme) ?? [];
  if (code === undefined) throw new Error(`the README has no block "ts ${name}"`);
  return code.replaceAll("3290", String(port));
}

/** Runs code as the README's reader would; resolves with its first line of output. */
async function run(code: string): Promise<{ line: string; child: ChildProcess }> {
  const args = ["--conditions=source", "--input-type=module-typescript", "--eval", code];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), "line")) as [string];
  return { line, child };
}

test("the server and the client of the README talk to each other", async () => {
  const { line } = await run(block("server", 0));
  const port = Number(/^colon relay on (\d+)$/.exec(line)?.[1]);
  const client = await run(block("client", port));
  expect(client.line).toMatch(/^\d+: hello$/);
  expect(await once(client.child, "exit")).toEqual([0, null]);
});

test("the pure part of the README prints what it says", async () => {
  const { line } = await run(block("pure", 3290));
  expect(line.replaceAll("'", '"')).toBe('{ type: "login", username: "ann", password: "pw" }');
});
