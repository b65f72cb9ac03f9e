import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";

const script = join(import.meta.dirname, "..", "scripts", "check-directions.mjs");
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Runs the checker on a tree of these files; each package among them gets its package.json. */
function check(files: Record<string, string>): { status: number | null; violations: string[] } {
  const root = mkdtempSync(join(tmpdir(), "wireyard-directions-"));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    const packageFolder = join(root, ...name.split("/").slice(0, 2));
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(packageFolder, "package.json"), "{}");
    writeFileSync(join(root, name), text);
  }
  const { status, stderr } = spawnSync(process.execPath, [script, root], { encoding: "utf8" });
  return { status, violations: stderr.split("\n").filter((line) => line !== "") };
}

test("the project keeps its directions", () => {
  const { stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  expect(stderr).toBe("");
});

test("what the architecture allows passes", () => {
  const { status, violations } = check({
    "packages/framing/src/index.ts": 'export { a } from "./a.ts";',
    "packages/framing/src/a.ts": 'export const a = "node:fs"; // import "ws"',
    "packages/framing/test/a.test.ts": 'import { readFileSync } from "node:fs";',
    "packages/transport/src/index.ts":
      'import net from "node:net";\nimport { x } from "@wireyard/framing";\nBuffer.from("");',
    "packages/json-packet/src/index.ts":
      'import type { E } from "@wireyard/framing";\nexport type A = ArrayBuffer;',
    "packages/json-packet/src/server.ts": 'import { createHash } from "node:crypto";\nimport "./keys.ts";',
    "packages/json-packet/src/keys.ts": 'import { Hub } from "@wireyard/session";',
    "packages/json-packet/src/client.ts": 'import { Link } from "@wireyard/transport/client";',
    "packages/accounts-sql/src/index.ts":
      'import { DatabaseSync } from "node:sqlite";\nimport "@wireyard/session";',
    "apps/server/src/main.ts": 'import pino from "pino";\nimport "@wireyard/json-packet/server";',
  });
  expect(violations).toEqual([]);
  expect(status).toBe(0);
});

describe("an import in the wrong direction is told with its file, line and what is allowed", () => {
  const cases: [name: string, file: string, text: string, told: string][] = [
    [
      "node: in framing",
      "packages/framing/src/a.ts",
      '\nimport fs from "node:fs";',
      'a.ts:2: imports "node:fs"; packages/framing may import nothing',
    ],
    [
      "a type in session",
      "packages/session/src/a.ts",
      'import type { E } from "@wireyard/framing";',
      'a.ts:1: imports "@wireyard/framing"; packages/session may import nothing',
    ],
    [
      "a type by import()",
      "packages/session/src/a.ts",
      'export type E = import("ws").WebSocket;',
      'imports "ws"',
    ],
    [
      "a third party in transport",
      "packages/transport/src/a.ts",
      'import _ from "lodash";',
      "may import only @wireyard/framing, ws, node:*",
    ],
    [
      "node: in what browsers get",
      "packages/transport/src/browser.ts",
      'import "node:net";',
      'imports "node:net"; what packages/transport/src/browser.ts reaches may import only @wireyard/framing',
    ],
    [
      "session in transport",
      "packages/transport/src/a.ts",
      'export * from "@wireyard/session";',
      'imports "@wireyard/session"',
    ],
    [
      "a protocol in a protocol",
      "packages/colon-relay/src/server.ts",
      'import "@wireyard/comma-command";',
      'imports "@wireyard/comma-command"',
    ],
    [
      "session in a client",
      "packages/colon-relay/src/client.ts",
      'import "@wireyard/session";',
      "may import only @wireyard/framing, @wireyard/transport",
    ],
    [
      "node: in a server",
      "packages/colon-relay/src/server.ts",
      'import "node:crypto";',
      'imports "node:crypto"',
    ],
    ["an app by name", "packages/accounts-sql/src/index.ts", 'import "wireyard";', 'imports "wireyard"'],
    [
      "an app by path",
      "packages/transport/src/index.ts",
      'import "../../../apps/server/src/main.ts";',
      "outside its own src",
    ],
    [
      "a neighbour's folder",
      "apps/server/src/main.ts",
      'import "../../../packages/framing/src/index.ts";',
      "outside its own src",
    ],
    [
      "what only tests use",
      "packages/json-packet/src/server.ts",
      'import "@wireyard/session/testing";',
      'imports "@wireyard/session/testing"',
    ],
    [
      "several lines",
      "packages/framing/src/a.ts",
      'import {\n  a,\n  b as c,\n} from "ws";',
      'a.ts:4: imports "ws"',
    ],
    ["a lazy import", "packages/framing/src/a.ts", 'const ws = await import("ws");', 'imports "ws"'],
    ["require", "packages/framing/src/a.ts", 'const ws = require("ws");', 'imports "ws"'],
    [
      "after a URL in a string",
      "packages/framing/src/a.ts",
      'const u = "tcp://x"; import "ws";',
      'imports "ws"',
    ],
    ["a missing file", "packages/framing/src/a.ts", 'import "./b.ts";', "there is no such file"],
    [
      "Buffer",
      "packages/varint-state/src/codec.ts",
      "export function f(): Buffer {}",
      "codec.ts:1: names Buffer",
    ],
    ["a package without a rule", "packages/fifth/src/index.ts", "", "packages/fifth: is not in the table"],
  ];
  test.each(cases)("%s", (_name, file, text, told) => {
    const { status, violations } = check({ [file]: text });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(told);
    expect(status).toBe(1);
  });
});

test("an import deep behind a protocol's root counts as the root's, but not one behind its server", () => {
  const files = {
    "packages/colon-relay/src/index.ts": 'export { encode } from "./codec.ts";',
    "packages/colon-relay/src/server.ts": 'import "./hub.ts";\nimport "./codec.ts";',
    "packages/colon-relay/src/codec.ts": 'import "./hub.ts";',
    "packages/colon-relay/src/hub.ts": 'import type { Hub } from "@wireyard/session";',
  };
  expect(check(files).violations).toEqual([
    'packages/colon-relay/src/hub.ts:1: imports "@wireyard/session"; ' +
      "what packages/colon-relay/src/index.ts reaches may import only @wireyard/framing",
  ]);
  expect(check({ ...files, "packages/colon-relay/src/codec.ts": "" }).violations).toEqual([]);
});
