import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Secret } from "@wireyard/session";
import { KEYS, type Key } from "../src/config/keys.ts";

/**
 * The table of keys in the README, made from the schema. To write it anew:
 *
 *     node --conditions=source apps/server/test/readme-table.ts
 */
export const README: string = fileURLToPath(new URL("../README.md", import.meta.url));

const START = "<!-- keys: made from src/config/schema.ts by test/readme-table.ts -->\n";
const END = "<!-- /keys -->";

/** The README with its table as it has to be. */
export function withTable(readme: string): string {
  const start = readme.indexOf(START) + START.length;
  const end = readme.indexOf(END);
  if (start < START.length || end < start) throw new Error("the README has no place for the table");
  return `${readme.slice(0, start)}\n${table()}\n${readme.slice(end)}`;
}

function table(): string {
  const head = ["| key | default | what it is | what may be given | variable |", "|---|---|---|---|---|"];
  return `${[...head, ...[...KEYS.values()].map(row)].join("\n")}\n`;
}

function row({ name, fallback, description, allowed, env }: Key): string {
  const value =
    typeof fallback === "string" || fallback instanceof Secret ? `${fallback}` : JSON.stringify(fallback);
  return `| \`${name}\` | \`${value}\` | ${description} | ${allowed} | \`${env}\` |`;
}

if (import.meta.main) writeFileSync(README, withTable(readFileSync(README, "utf8")));
