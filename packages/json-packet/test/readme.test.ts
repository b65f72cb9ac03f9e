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
  return code.replaceAll("25565", String(port));
}

/** Runs code as the README's reader would, and types `input`; resolves with the first lines of its output. */
async function run(
  code: string,
  count: number,
  input = "",
): Promise<{ lines: string[]; child: ChildProcess }> {
  const args = ["--conditions=source", "--input-type=module-typescript", "--eval", code];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin?.end(input);
  children.push(child);
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout as NodeJS.ReadableStream)) {
    if (lines.push(line) === count) break;
  }
  return { lines, child };
}

test("the server and the client of the README talk to each other", async () => {
  const server = await run(block("server", 0), 1);
  const port = Number(/^json packets on (\d+)$/.exec(server.lines[0] ?? "")?.[1]);
  const client = await run(block("client", port), 2);
  expect(client.lines).toEqual(["hello, ann", "tell { text: 'good morning' }"]);
  if (client.child.exitCode === null) await once(client.child, "exit");
  expect(client.child.exitCode).toBe(0);
  const encrypting = await run(block("encryption", port), 1);
  expect(encrypting.lines).toEqual(["true hello, ann"]);
});

test("the coretools of the README take lines from a terminal, and stop", async () => {
  const { lines, child } = await run(block("coretools", 0), 3, "list\nsend news [1]\nstop\n");
  expect(lines).toEqual([
    expect.stringMatching(/^client +user +address +since +encrypted$/),
    "sent to 0",
    "stopped; 0 disconnected",
  ]);
  if (child.exitCode === null) await once(child, "exit");
  expect(child.exitCode).toBe(0);
});

test("the pure part of the README prints what it says", async () => {
  const { lines } = await run(block("pure", 25_565), 1);
  expect(lines[0]?.replaceAll("'", '"')).toBe('handShake { username: "ann" }');
});
