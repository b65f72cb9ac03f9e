import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";

const script = join(import.meta.dirname, "..", "scripts", "check-rules.mjs");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const rule = (name: string): string => `- **[${name}]** It holds.\n`;

/** Runs the checker on a tree of these files. */
function check(files: Record<string, string>): { status: number | null; problems: string[]; stdout: string } {
  const root = mkdtempSync(join(tmpdir(), "wireyard-rules-"));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const { status, stderr, stdout } = spawnSync(process.execPath, [script, root], { encoding: "utf8" });
  return { status, problems: stderr.split("\n").filter((line) => line !== ""), stdout };
}

test("the project has a test for each of its rules", () => {
  const { stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  expect(stderr).toBe("");
});

test("citations in a package's tests, in an app's and in the project's count", () => {
  const { status, problems, stdout } = check({
    "packages/a/PROTOCOL.md": `${["A-1.1", "A-1.2", "A-2.10"].map(rule).join("")}See [A-1.1], [A-2].`,
    "packages/a/test/vectors.ts": `source: "[A-1.1]"`,
    "apps/b/test/deep/b.test.ts": `test("[A-1.2] holds")`,
    "test/c.test.ts": `// A-2.10, RFC-1.1 [UTF-8]`,
  });
  expect(problems).toEqual([]);
  expect(stdout).toBe("rules: 3 read, 0 problems\n");
  expect(status).toBe(0);
});

describe("what is wrong is told with its place", () => {
  const protocol = rule("A-1.1");
  const good = { "packages/a/test/a.test.ts": "[A-1.1]" };
  const cases: [name: string, files: Record<string, string>, told: string][] = [
    [
      "a rule that no test cites",
      { "packages/a/PROTOCOL.md": protocol, "packages/a/src/a.ts": "[A-1.1]" },
      "packages/a/PROTOCOL.md:1: no test cites [A-1.1]",
    ],
    [
      "a rule written twice",
      { ...good, "packages/a/PROTOCOL.md": protocol + protocol },
      "packages/a/PROTOCOL.md:2: [A-1.1] is written at packages/a/PROTOCOL.md:1 too",
    ],
    [
      "a test of a rule that is not there",
      { "packages/a/PROTOCOL.md": protocol, "packages/a/test/a.test.ts": `[A-1.1]\n[A-1.2]` },
      "packages/a/test/a.test.ts:2: cites [A-1.2], and there is no such rule",
    ],
    [
      "a comment about a rule that is not there",
      { ...good, "packages/a/PROTOCOL.md": protocol, "packages/b/src/b.ts": `// [A-3.1]` },
      "packages/b/src/b.ts:1: cites [A-3.1], and there is no such rule",
    ],
    [
      "a section that is not there",
      { ...good, "packages/a/PROTOCOL.md": `${protocol}See [A-2].` },
      "packages/a/PROTOCOL.md:2: cites [A-2], and there is no such rule",
    ],
  ];
  test.each(cases)("%s", (_name, files, told) => {
    const { status, problems } = check(files);
    expect(problems).toEqual([told]);
    expect(status).toBe(1);
  });
});
