import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "wireyard-accounts-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;

/** A path that no other test uses, in a directory that is removed after this file's tests. */
export function temporaryFile(name = "accounts.db"): string {
  return join(directory, `${++files}-${name}`);
}
