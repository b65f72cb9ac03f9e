import { defineConfig } from "vitest/config";

export default defineConfig({
  // Sources run as they are: every workspace package offers its `src` under the condition "source".
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"], externalConditions: ["source"] } },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "apps/*/test/**/*.test.ts",
      "bench/test/**/*.test.ts",
      "soak/test/**/*.test.ts",
      "test/**/*.test.ts",
    ],
    testTimeout: 20_000,
    // What is waited for comes sooner; a busy machine is no reason to fail.
    expect: { poll: { timeout: 10_000 } },
    // Where clocks, processes and services of a busy machine are at work, once more is told, not hidden: see .ci/run.
    retry: process.env.CI === undefined ? 0 : 1,
  },
});
