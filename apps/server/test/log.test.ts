import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Secret } from "@wireyard/session";
import { describe, expect, it } from "vitest";

const LOG = fileURLToPath(new URL("../src/log.ts", import.meta.url));
/** What a client may have put into a name: colours, a cursor, a C1 control, text turned round, a line of its own. */
const NASTY = 'a\u001b[2J\u009b31m\u202egnp\u{e0041}\u2028\u007f\r\n{"level":"info"} "\\';

/** What a log of that kind writes of a statement about `name`. */
function logged(pretty: boolean, statement: string): string {
  const script = `
    const { createLog } = await import(${JSON.stringify(LOG)});
    const log = await createLog({ level: "info", pretty: ${pretty} });
    const name = ${JSON.stringify(NASTY)};
    ${statement}`;
  const args = ["--conditions=source", "--input-type=module", "-e", script];
  return spawnSync(process.execPath, args, { encoding: "utf8" }).stderr;
}

const STATEMENTS = [
  "log.info({ user: { name } }, 'joined')",
  "log.error({ err: Object.assign(new Error(name), { stack: 'Error: ' + name }) }, 'x')",
  "log.warn(name)",
];

describe("a name that carries terminal escapes", () => {
  it.each(STATEMENTS)("is one line of JSON, with nothing in it that a terminal obeys: %s", (statement) => {
    const text = logged(false, statement);
    expect(text).toMatch(/^[^\n]+\n$/);
    expect(text.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(JSON.stringify(JSON.parse(text))).toContain(JSON.stringify(NASTY).slice(1, -1));
  });

  it.each(STATEMENTS)(
    "cannot move the cursor where people read, nor write a line of its own: %s",
    (statement) => {
      const lines = logged(true, statement).split("\n");
      expect(lines.join("")).toContain("\\u001b[2J\\u009b31m\\u202egnp");
      expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      expect(lines.filter((line) => line.startsWith('{"level"'))).toEqual([]);
    },
  );
});

describe("a secret", () => {
  it("is not shown by whatever shows it", () => {
    const secret = new Secret("hunter2");
    expect(secret.reveal()).toBe("hunter2");
    expect([`${secret}`, JSON.stringify({ secret }), String(secret)].join(" ")).not.toContain("hunter2");
    const session = fileURLToPath(new URL("../../../packages/session/src/index.ts", import.meta.url));
    const shown = logged(
      false,
      `
      const { Secret } = await import(${JSON.stringify(session)});
      const secret = new Secret("hunter2");
      log.info({ secret, err: Object.assign(new Error("x"), { secret }) }, "%s %j %o", secret, secret, secret);
      console.error(secret, { secret });`,
    );
    expect(shown).toContain("[secret]");
    expect(shown).not.toContain("hunter2");
  });
});
