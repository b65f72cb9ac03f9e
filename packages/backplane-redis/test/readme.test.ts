import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { BACKPLANE_REDIS_DEFAULTS, redisBackplane } from "../src/index.ts";
import { Engine, NO_ENGINE } from "./engine.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");

describe.skipIf(NO_ENGINE)("the example of the README", () => {
  test("runs, and prints what it says", async () => {
    const engine = await Engine.start();
    onTestFinished(() => engine.stop());
    const [example = ""] = (readme.split("```ts\n")[1] ?? "").split("```");
    const args = ["--conditions=source", "--input-type=module-typescript", "--eval"];
    const child = spawn(
      process.execPath,
      [...args, example.replaceAll("127.0.0.1:6379", `127.0.0.1:${engine.port}`)],
      {
        cwd: root,
      },
    );
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
    expect(errors).toBe("");
    const promised = [...example.matchAll(/console\.log\(.*\/\/ (.*)/g)].map((match) => match[1]);
    expect(promised).toHaveLength(1);
    expect(out.trim().replaceAll("'", '"').split("\n")).toEqual(promised);
  });
});

test("the README tells the options' defaults and every counter", () => {
  for (const [option, value] of Object.entries(BACKPLANE_REDIS_DEFAULTS)) {
    expect(readme).toMatch(new RegExp(`^\\| \`${option}\` \\| \\w+ \\| \`?${value}\`? \\|`, "m"));
  }
  const { counters } = redisBackplane({ url: "redis://127.0.0.1:1" });
  for (const counter of Object.keys(counters))
    expect(readme).toMatch(new RegExp(`^\\| .*\`${counter}\``, "m"));
});

test.each([
  [{}, "give exactly one of url, sentinels and cluster"],
  [{ url: "redis://h", cluster: [] }, "give exactly one of url, sentinels and cluster"],
  [{ url: "http://h" }, "url must start with redis:// or rediss://"],
  [{ url: "redis://h", leaseMs: 99 }, "leaseMs must be a whole number of at least 100, not 99"],
  [
    { url: "redis://h", prefix: "a{b" },
    'prefix must be made of letters, digits, ".", "_" and "-", not "a{b"',
  ],
])("options that make no sense are refused: %j", (options, message) => {
  expect(() => redisBackplane(options)).toThrow(message);
});
