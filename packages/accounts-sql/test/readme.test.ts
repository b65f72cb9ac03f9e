import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { POSTGRES_DEFAULTS } from "../src/postgres.ts";
import { temporaryFile } from "./files.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

test("the example of the README runs, and prints what it says", () => {
  const [, block = ""] = readFileSync(`${root}README.md`, "utf8").split("```ts\n");
  const [example = ""] = block.split("```");
  const code = example.replace('"accounts.db"', JSON.stringify(temporaryFile()));
  const args = ["--conditions=source", "--input-type=module-typescript", "--eval", code];
  const { stdout, status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const promised = [...example.matchAll(/console\.log\(.*\/\/ (.*)/g)].map((match) => match[1]);
  expect(promised).toHaveLength(3);
  // Node prints strings in single quotes.
  expect(stdout.trim().replaceAll("'", '"').split("\n")).toEqual(promised);
});

test("the README tells every number of openPostgresAccounts with its default", () => {
  const [, section = ""] = readFileSync(`${root}README.md`, "utf8").split(
    "## Options of `openPostgresAccounts`",
  );
  const rows = [...section.matchAll(/^\| `(\w+)` \| [^|]+ \| (\d+) \|/gm)];
  expect(Object.fromEntries(rows.map(([, name, value]) => [name, Number(value)]))).toEqual(POSTGRES_DEFAULTS);
});
