import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_LIMITS } from "@wireyard/session";
import { describe, expect, test } from "vitest";

const packages = join(import.meta.dirname, "..", "packages");
const readmeOf = (name: string): string => readFileSync(join(packages, name, "README.md"), "utf8");

/** Each block of code, with the output that the block behind it tells. */
function examples(readme: string): { code: string; output: string }[] {
  return [...readme.matchAll(/^```ts\n(.*?)^```\n(?:\n```text\n(.*?)^```)?/gms)].map(
    ([, code = "", output]) => {
      if (output === undefined) throw new Error(`no output is told of ${code}`);
      return { code, output };
    },
  );
}

describe.each(["framing", "session", "transport"])("the README of %s", (name) => {
  test.each(examples(readmeOf(name)))("shows code that prints what it says: $output", ({ code, output }) => {
    const args = ["--conditions=source", "--input-type=module-typescript", "--eval", code];
    const run = spawnSync(process.execPath, args, { cwd: join(packages, name), encoding: "utf8" });
    expect([run.stderr, run.stdout]).toEqual(["", output]);
  });
});

test("the README of session lists the limits with their defaults", () => {
  const rows = [...readmeOf("session").matchAll(/^\| `(\w+)` \| [^|]+ \| ([\w]+) \|$/gm)];
  const told = rows.map(([, limit, value]) => [limit, value === "none" ? null : Number(value)]);
  expect(Object.fromEntries(told)).toEqual(DEFAULT_LIMITS);
});
