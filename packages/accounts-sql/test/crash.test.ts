import { expect, test } from "vitest";
import { openSqliteAccounts } from "../src/index.ts";
import { acknowledged, runChild } from "./children.ts";
import { temporaryFile } from "./files.ts";

test("a process killed right after it acknowledged registrations has lost none of them", async () => {
  const file = temporaryFile();
  const names: string[] = [];
  for (let round = 0; round < 4; round++) {
    let registered = 0;
    const lines = await runChild([file, `round${round}`], {
      seen(line, child) {
        if (line.startsWith("ok ") && ++registered === 5 + round) child.kill("SIGKILL");
      },
    });
    expect(lines).not.toContainEqual(expect.stringMatching(/^(failed|refused)/));
    names.push(...acknowledged(lines));
    expect(await missing(file, names)).toEqual([]);
  }
  expect(names.length).toBeGreaterThanOrEqual(5 + 6 + 7 + 8);
  const accounts = await openSqliteAccounts({ file });
  expect(await accounts.authenticate(names.at(-1) as string, "secret")).toMatchObject({ name: names.at(-1) });
  await accounts.close();
});

test("processes that make one file at the same time all open it, and their registrations are all there", async () => {
  const file = temporaryFile();
  const lines = await Promise.all(["a", "b", "c"].map((prefix) => runChild([file, prefix, "3"])));
  expect(acknowledged(lines.flat()).sort()).toEqual(
    ["a", "b", "c"].flatMap((prefix) => [0, 1, 2].map((n) => `${prefix}-${n}`)),
  );
  expect(await missing(file, acknowledged(lines.flat()))).toEqual([]);
});

async function missing(file: string, names: string[]): Promise<string[]> {
  const accounts = await openSqliteAccounts({ file });
  const found = await Promise.all(names.map((name) => accounts.find(name)));
  await accounts.close();
  return names.filter((_, i) => found[i] === undefined);
}
