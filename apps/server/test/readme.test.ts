import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ENV_PREFIX, KEYS_BY_ENV } from "../src/config/keys.ts";
import { loadConfig } from "../src/config/load.ts";
import { README, withTable } from "./readme-table.ts";

describe("the README", () => {
  const readme = readFileSync(README, "utf8");

  it("has the table of keys that the schema makes", () => {
    expect(readme, "write it anew: node --conditions=source apps/server/test/readme-table.ts").toBe(
      withTable(readme),
    );
  });

  it("shows a configuration that is good", () => {
    const [, yaml = ""] = /```yaml\n(.*?)```/s.exec(readme) ?? [];
    const settings = Object.entries(parse(yaml)).map(
      ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
    expect(loadConfig({ env: {}, settings }).config.limits.messagesPerSecond).toBe(50);
  });

  it("shows flags and variables that are good", () => {
    const settings = [...readme.matchAll(/--set ([\w.-]+=\w+)/g)].map(([, setting = ""]) => setting);
    expect(settings.length).toBeGreaterThan(2);
    for (const setting of settings) loadConfig({ env: {}, settings: [setting] });
    for (const [name] of readme.matchAll(new RegExp(`${ENV_PREFIX}[A-Z_]+`, "g"))) {
      expect(KEYS_BY_ENV.has(name), name).toBe(true);
    }
  });
});
