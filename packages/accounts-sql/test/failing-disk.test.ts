import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openSqliteAccounts } from "../src/index.ts";
import { acknowledged, runChild } from "./children.ts";
import { temporaryFile } from "./files.ts";

// A library that fails the process's syncs is the only way to see them from outside; it takes Linux and a C compiler.
const library = temporaryFile("failing-sync.so");
const source = fileURLToPath(new URL("failing-sync.c", import.meta.url));
const built =
  process.platform === "linux" &&
  spawnSync("cc", ["-shared", "-fPIC", "-o", library, source, "-ldl"]).status === 0;

describe.skipIf(!built)("with a disk that fails to sync", () => {
  test("every registration is synced before it is acknowledged", async () => {
    const lines = await runChild([temporaryFile(), "user", "10"], { env: { LD_PRELOAD: library } });
    expect(acknowledged(lines)).toHaveLength(10);
    const afterOpen = lines.slice(lines.indexOf("open"));
    let synced = 0;
    for (const line of afterOpen) {
      if (line === "sync") synced++;
      // One for each: two registrations never share a commit.
      if (line.startsWith("ok ")) expect(synced--).toBeGreaterThan(0);
    }
  });

  // The first ones fail while the file is made, the later ones at a registration.
  test.each([1, 2, 3, 5, 8, 10, 11, 12, 13, 20, 50])(
    "nothing is acknowledged after sync %i fails, and what was before is there",
    async (failing) => {
      const file = temporaryFile();
      const env = { LD_PRELOAD: library, FAIL_FROM: String(failing) };
      const lines = await runChild([file, "user", String(failing + 3)], { env });
      const failedAt = lines.indexOf("sync failed");
      expect(failedAt).toBeGreaterThanOrEqual(0);
      expect(acknowledged(lines.slice(failedAt))).toEqual([]);
      expect(lines.slice(failedAt)).toContainEqual(expect.stringMatching(/^(failed|refused) /));
      await expectKept(file, acknowledged(lines));
    },
  );
});

describe.skipIf(process.platform === "win32")("with a disk that takes no more", () => {
  test("nothing is acknowledged once a write fails, and what was before is there", async () => {
    const file = temporaryFile();
    // A limit of file size is met in the middle of the log; its unit is 512 or 1024 bytes.
    const wrap = ["sh", "-c", 'ulimit -f 200; exec "$@"', "sh"];
    const lines = await runChild([file, "user", "40"], { wrap });
    const failedAt = lines.findIndex((line) => line.startsWith("failed "));
    expect(lines[0]).toBe("open");
    expect(failedAt).toBeGreaterThan(1);
    expect(acknowledged(lines.slice(failedAt))).toEqual([]);
    await expectKept(file, acknowledged(lines));
  });
});

async function expectKept(file: string, names: string[]): Promise<void> {
  const accounts = await openSqliteAccounts({ file });
  const found = await Promise.all(names.map((name) => accounts.find(name)));
  expect(names.filter((_, i) => found[i] === undefined)).toEqual([]);
  await accounts.close();
  rmSync(file);
}
