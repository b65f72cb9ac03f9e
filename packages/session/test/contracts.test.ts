import { describe, test } from "vitest";
import { memoryAccounts, memoryBackplane } from "../src/index.ts";
import { accountStoreCases, backplaneCases } from "../src/testing.ts";

describe("memory accounts", () => {
  test.each(accountStoreCases(async () => memoryAccounts({ iterations: 1 })))("$name", ({ run }) => run());
});

describe("memory back plane", () => {
  const cases = backplaneCases(async () => ({ backplane: memoryBackplane(), close: async () => {} }));
  test.each(cases)("$name", ({ run }) => run());
});
