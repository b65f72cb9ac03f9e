/**
 * A process that registers `PREFIX-0`, `PREFIX-1`, … in FILE, two at a time as a server would, until it is killed,
 * or has COUNT of them. It prints `open`, and for each of them `ok NAME` or `failed NAME`, at once and unbuffered.
 */
import { writeSync } from "node:fs";
import { openSqliteAccounts } from "../src/index.ts";

const [file = "", prefix = "", count = "Infinity"] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);

let next = 0;
async function registerAll(accounts: Awaited<ReturnType<typeof openSqliteAccounts>>): Promise<void> {
  while (next < Number(count)) {
    const name = `${prefix}-${next++}`;
    const outcome = await accounts.register(name, "secret").then(
      () => "ok",
      () => "failed",
    );
    say(`${outcome} ${name}`);
  }
}

try {
  const accounts = await openSqliteAccounts({ file });
  say("open");
  await Promise.all([registerAll(accounts), registerAll(accounts)]);
} catch (error) {
  say(`refused ${error}`);
}
