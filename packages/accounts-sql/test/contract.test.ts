import { accountStoreCases } from "@wireyard/session/testing";
import { describe, test } from "vitest";
import { openSqliteAccounts } from "../src/index.ts";
import { temporaryFile } from "./files.ts";

const stores = {
  "in a file": () => openSqliteAccounts({ file: temporaryFile() }),
  "in memory": () => openSqliteAccounts({ file: ":memory:" }),
};

for (const [where, open] of Object.entries(stores)) {
  describe(where, () => {
    for (const { name, run } of accountStoreCases(open)) test(name, run);
  });
}
